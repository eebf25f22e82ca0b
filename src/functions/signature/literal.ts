/** Reads the value of a literal expression: what can be known of a default without running it. */
import type { Value } from '../../core/value.ts';
import type { ValueType } from '../description.ts';
import { unwrap, type Expression } from './syntax.ts';

/** Top-level constants of the file, by name. */
export type Constants = ReadonlyMap<string, Expression>;

export interface Literal {
  readonly value: Value;
}

/** Nesting and constants that name constants: deep enough for any default, and never endless. */
const maxDepth = 16;

/** The value of a literal, or undefined where it takes running the code to know. */
export function readLiteral(expression: Expression, constants: Constants, depth = 0): Literal | undefined {
  const node = unwrap(expression);
  if (depth > maxDepth) return undefined;
  switch (node.type) {
    case 'NumericLiteral':
    case 'StringLiteral':
    case 'BooleanLiteral':
      return { value: node.value };
    case 'NullLiteral':
      return { value: null };
    case 'BigIntLiteral':
      return { value: node.value };
    case 'TemplateLiteral': {
      const text = node.quasis[0]?.value.cooked;
      return node.expressions.length === 0 && typeof text === 'string' ? { value: text } : undefined;
    }
    case 'UnaryExpression': {
      const inner = readLiteral(node.argument, constants, depth + 1)?.value;
      const signed = typeof inner === 'number' || typeof inner === 'bigint';
      if (node.operator === '-' && signed) return { value: -inner };
      return node.operator === '+' && typeof inner === 'number' ? { value: inner } : undefined;
    }
    case 'ArrayExpression':
      return readArray(node.elements, constants, depth);
    case 'ObjectExpression':
      return readObject(node.properties, constants, depth);
    case 'Identifier': {
      const constant = constants.get(node.name);
      return constant === undefined ? undefined : readLiteral(constant, constants, depth + 1);
    }
    default:
      return undefined;
  }
}

type ArrayElements = Extract<Expression, { type: 'ArrayExpression' }>['elements'];
type ObjectMembers = Extract<Expression, { type: 'ObjectExpression' }>['properties'];

function readArray(elements: ArrayElements, constants: Constants, depth: number): Literal | undefined {
  const items: Value[] = [];
  for (const element of elements) {
    if (element === null || element.type === 'SpreadElement') return undefined;
    const item = readLiteral(element, constants, depth + 1);
    if (item === undefined) return undefined;
    items.push(item.value);
  }
  return { value: items };
}

function readObject(members: ObjectMembers, constants: Constants, depth: number): Literal | undefined {
  const entries: [string, Value][] = [];
  for (const member of members) {
    if (member.type !== 'ObjectProperty') return undefined;
    const name = keyName(member.key, member.computed);
    // `{ __proto__: x }` in source sets the prototype.
    if (name === undefined || name === '__proto__') return undefined;
    const value = isExpression(member.value) ? readLiteral(member.value, constants, depth + 1) : undefined;
    if (value === undefined) return undefined;
    entries.push([name, value.value]);
  }
  return { value: Object.fromEntries(entries) };
}

type MemberValue = Extract<ObjectMembers[number], { type: 'ObjectProperty' }>['value'];

/** Patterns stand where values do only on the left of an assignment. */
const isExpression = (node: MemberValue): node is Extract<MemberValue, Expression> => !node.type.endsWith('Pattern');

/** The name of a member, written as identifier, text or number. */
export function keyName(key: { readonly type: string }, computed: boolean | undefined): string | undefined {
  if (computed === true) return undefined;
  if (key.type === 'Identifier' && 'name' in key && typeof key.name === 'string') return key.name;
  const named = key.type === 'StringLiteral' || key.type === 'NumericLiteral';
  return named && 'value' in key ? String(key.value) : undefined;
}

/** The type that a default says: no narrower than what the code would accept in its place. */
export function typeOfLiteral(value: Value): ValueType {
  switch (typeof value) {
    case 'number':
      return { kind: 'number' };
    case 'string':
      return { kind: 'string' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'bigint':
      return { kind: 'bigint' };
    default:
  }
  if (Array.isArray(value)) {
    const kinds = value.map((item: Value) => typeOfLiteral(item));
    const [first] = kinds;
    const same = first !== undefined && isSimple(first) && kinds.every((type) => type.kind === first.kind);
    return { kind: 'array', items: same ? first : { kind: 'any' } };
  }
  if (value === null || value === undefined) return { kind: 'any' };
  return { kind: 'object', properties: {}, additional: { kind: 'any' } };
}

const isSimple = (type: ValueType): boolean =>
  type.kind === 'number' || type.kind === 'string' || type.kind === 'boolean' || type.kind === 'bigint';
