/**
 * Reads a function's parameters: names, types, defaults. A type comes from the TypeScript annotation,
 * else from JSDoc, else from a literal default. An object that is taken apart in the parameter list
 * is one parameter, `options` unless JSDoc names it, and its members are what the pattern takes out.
 */
import { UsageError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { ValueType } from '../description.ts';
import { nearestName } from '../names.ts';
import { controlWordProblem } from './control-words.ts';
import type { DeclaredParameter } from './declared-export.ts';
import type { Doc, DocParameter } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import { keyName, readLiteral, typeOfLiteral, type Constants, type Literal } from './literal.ts';
import { docComment, type Expression, type ObjectPattern, type ParameterNode, type TypeNode } from './syntax.ts';
import type { MaybeType, TypeReader } from './typescript-type.ts';
import { anyType, type Members } from './value-types.ts';

export interface ParameterContext {
  readonly types: TypeReader;
  readonly constants: Constants;
  readonly doc: Doc;
  /** Type parameters in scope. */
  readonly hidden: ReadonlySet<string>;
  /** File, line and function, for errors. */
  readonly where: string;
}

/**
 * @param contextual parameters of the constant's own type (`const f: F = (a) => …`), by position
 * @throws UsageError `library-parameter` for a name that is a control word
 */
export function readParameters(
  nodes: readonly ParameterNode[],
  contextual: readonly object[],
  context: ParameterContext,
): readonly DeclaredParameter[] {
  // TypeScript's `this` parameter is no argument.
  const own = nodes.filter((node) => !(node.type === 'Identifier' && node.name === 'this'));
  const docs = context.doc.parameters.filter((parameter) => !parameter.name.includes('.'));
  const taken = new Set(own.map(plainName).filter((name) => name !== undefined));
  // By its position one may be about what is taken apart, whatever it is called.
  checkNames(
    docs.filter((_, index) => own[index] === undefined || plainName(own[index]) !== undefined),
    [...taken],
    context.where,
  );
  return own.map((node, index) => {
    const plain = plainName(node);
    const doc =
      plain === undefined ? unclaimed(docs[index], taken) : docs.find((candidate) => candidate.name === plain);
    const name = plain ?? doc?.name ?? freeName(taken);
    taken.add(name);
    const problem = controlWordProblem(name);
    if (problem !== undefined) throw new UsageError('library-parameter', `${context.where}: ${problem}`);
    return readParameter(node, name, doc, contextual[index], context);
  });
}

/**
 * The type of a name that is misspelt would be nobody's. What is like no parameter may be a left-over; and where TypeScript has the
 * types, it may be a parameter of an overload.
 */
function checkNames(docs: readonly DocParameter[], names: readonly string[], where: string): void {
  const said = new Set(docs.map(({ name }) => name));
  const open = names.filter((name) => !said.has(name));
  for (const { name, type } of docs) {
    const near = type === undefined || names.includes(name) ? undefined : nearestName(name, open);
    if (near !== undefined)
      throw new UsageError('library-parameter', `${where}: @param ${name} is no parameter: did you mean ${near}?`);
  }
}

function readParameter(
  node: ParameterNode,
  name: string,
  doc: DocParameter | undefined,
  contextual: object | undefined,
  context: ParameterContext,
): DeclaredParameter {
  const rest = node.type === 'RestElement';
  const target = node.type === 'AssignmentPattern' ? node.left : rest ? node.argument : node;
  const fallback = node.type === 'AssignmentPattern' ? readLiteral(node.right, context.constants) : undefined;
  const annotation = annotationOf(rest ? node : target) ?? annotationOf(contextual);
  const pattern = target.type === 'ObjectPattern' ? target : undefined;
  const read = typeOf(annotation, doc, fallback, pattern, name, context);
  const text = doc?.text ?? inlineComment(node);
  const type =
    rest && read.type.kind !== 'array' && read.type.kind !== 'tuple' ? restType(annotation, read.type) : read.type;
  const omissible =
    rest ||
    node.type === 'AssignmentPattern' ||
    isOptional(target) ||
    isOptional(contextual) ||
    read.optional ||
    (annotation === undefined && doc?.optional === true);
  const known = fallback !== undefined && fallback.value !== undefined && !rest;
  return { name, type, required: !omissible, ...(known ? { default: fallback.value } : {}), rest, doc: text };
}

/** `...xs` of `@param {number} xs` or `{...number}`: the type of each; of an alias that is no array: unknown. */
const restType = (annotation: TypeNode | undefined, type: ValueType): ValueType => ({
  kind: 'array',
  items: annotation === undefined ? type : anyType,
});

function typeOf(
  annotation: TypeNode | undefined,
  doc: DocParameter | undefined,
  fallback: Literal | undefined,
  pattern: ObjectPattern | undefined,
  name: string,
  context: ParameterContext,
): MaybeType {
  if (annotation !== undefined) return context.types.read(annotation, context.hidden);
  const members = context.doc.parameters.filter((parameter) => parameter.name.startsWith(`${name}.`));
  if (pattern !== undefined && (doc?.type === undefined || isAnyObject(readDocType(doc.type, context.types)))) {
    return { type: withDefault(patternType(pattern, name, members, context), fallback?.value), optional: false };
  }
  if (doc?.type !== undefined) {
    const type = readDocType(doc.type, context.types);
    if (members.length > 0 && isAnyObject(type))
      return { type: documentedType(members, name, context), optional: false };
    return { type, optional: false };
  }
  return { type: fallback === undefined ? anyType : typeOfLiteral(fallback.value), optional: false };
}

const isAnyObject = (type: ValueType): boolean =>
  type.kind === 'any' || (type.kind === 'object' && Object.keys(type.properties).length === 0);

/** `{ x, y = 1, ...others }`: x is needed, y is a number, and only with `...others` may there be more. */
function patternType(
  pattern: ObjectPattern,
  name: string,
  documented: readonly DocParameter[],
  context: ParameterContext,
): ValueType {
  const members = new Map<string, Members[string]>();
  let additional: ValueType | undefined;
  for (const property of pattern.properties) {
    if (property.type !== 'ObjectProperty') {
      additional = anyType;
      continue;
    }
    const key = keyName(property.key, property.computed);
    if (key === undefined) return { kind: 'object', properties: {}, additional: anyType };
    const doc = documented.find((candidate) => candidate.name === `${name}.${key}`);
    members.set(key, memberType(property.value, `${name}.${key}`, doc, context));
  }
  return { kind: 'object', properties: Object.fromEntries(members), additional };
}

/** `({ x } = {})` works without x, so no caller has to give it. */
function withDefault(type: ValueType, fallback: Value): ValueType {
  if (type.kind !== 'object' || typeof fallback !== 'object' || fallback === null) return type;
  const members = Object.entries(type.properties).map(([name, member]) => [
    name,
    { type: member.type, required: member.required && Object.hasOwn(fallback, name) },
  ]);
  return { ...type, properties: Object.fromEntries(members) as Members };
}

type PatternMember = Extract<ObjectPattern['properties'][number], { type: 'ObjectProperty' }>['value'];

function memberType(
  node: PatternMember,
  path: string,
  doc: DocParameter | undefined,
  context: ParameterContext,
): Members[string] {
  const optional = node.type === 'AssignmentPattern' || doc?.optional === true;
  const target = node.type === 'AssignmentPattern' ? node.left : node;
  if (target.type === 'ObjectPattern' && doc?.type === undefined) {
    return { type: patternType(target, path, context.doc.parameters, context), required: !optional };
  }
  if (doc?.type !== undefined) return { type: readDocType(doc.type, context.types), required: !optional };
  const fallback = node.type === 'AssignmentPattern' ? readLiteral(node.right, context.constants) : undefined;
  return { type: fallback === undefined ? anyType : typeOfLiteral(fallback.value), required: !optional };
}

/** `@param {object} options` with `@param {number} options.x`. */
function documentedType(members: readonly DocParameter[], name: string, context: ParameterContext): ValueType {
  const entries = members
    .map((member) => ({ member, key: member.name.slice(name.length + 1) }))
    .filter(({ key }) => !key.includes('.'))
    .map(({ member, key }) => {
      const type = member.type === undefined ? anyType : readDocType(member.type, context.types);
      const nested = context.doc.parameters.filter((inner) => inner.name.startsWith(`${member.name}.`));
      const deep = nested.length > 0 && isAnyObject(type) ? documentedType(nested, member.name, context) : type;
      return [key, { type: deep, required: !member.optional }] as const;
    });
  return { kind: 'object', properties: Object.fromEntries(entries), additional: anyType };
}

function plainName(node: ParameterNode): string | undefined {
  const target = node.type === 'AssignmentPattern' ? node.left : node.type === 'RestElement' ? node.argument : node;
  return target.type === 'Identifier' ? target.name : undefined;
}

/** JSDoc of a parameter without a name is found by position, unless it names another one. */
const unclaimed = (doc: DocParameter | undefined, taken: ReadonlySet<string>): DocParameter | undefined =>
  doc === undefined || taken.has(doc.name) ? undefined : doc;

function freeName(taken: ReadonlySet<string>): string {
  let name = 'options';
  for (let n = 2; taken.has(name); n++) name = `options${n}`;
  return name;
}

const isOptional = (node: object | undefined): boolean =>
  node !== undefined && 'optional' in node && node.optional === true;

function annotationOf(node: object | undefined): TypeNode | undefined {
  if (node === undefined) return undefined;
  const holder = node as { readonly typeAnnotation?: { readonly typeAnnotation?: TypeNode } | null };
  return holder.typeAnnotation?.typeAnnotation;
}

/** The text of a doc comment that stands before a parameter, inside the parentheses. */
function inlineComment(node: ParameterNode | Expression): string | undefined {
  const text = docComment(node.leadingComments)
    ?.replace(/^\*/, '')
    .replace(/^\s*\*? ?/gm, '')
    .trim();
  return text === undefined || text === '' ? undefined : text;
}
