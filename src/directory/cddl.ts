/**
 * The arguments and the result of a function as CDDL (RFC 8610), for people and tools that build
 * CBOR. https://www.rfc-editor.org/rfc/rfc8610
 *
 *     ; math/add: Adds two numbers
 *     arguments = by-name / by-id / by-position
 *     by-name = { a: number, ? b: int .ge 0 }
 *     by-id = { 0 => number, ? 1 => int .ge 0 }
 *     by-position = [ a: number, ? b: int .ge 0 ]
 *     result = number
 *
 * A stream has `item` instead, of which there is a CBOR sequence (RFC 8742), and `notification` for who observes it.
 *
 * It describes what fits best, not everything that is accepted: 10.0 for an integer, or text for a
 * date, are taken too. Without Content-Format and body there are no arguments at all.
 */
import type { DescribedFunction, DescribedObject, DescribedParameter, DescribedType } from './described.ts';

/** The rules `arguments` (the root) and `result`, or `item` of a stream, as text of lines. */
export function functionCddl(fn: DescribedFunction): string {
  const locked = fn.parameters.length > 0 && fn.parameters.every((parameter) => parameter.id !== undefined);
  const lone = loneArgument(fn.parameters);
  const choices = ['by-name', ...(locked ? ['by-id'] : []), 'by-position', ...(lone ? ['only'] : [])];
  const lines = [
    `; ${comment(fn.title === undefined ? `${fn.library}/${fn.method}` : `${fn.library}/${fn.method}: ${fn.title}`)}`,
    `arguments = ${choices.join(' / ')}`,
    `by-name = ${group('{', [...fn.parameters.map(byName), ...fn.parameters.flatMap(anyName)], '}')}`,
  ];
  if (locked) lines.push(`by-id = ${group('{', fn.parameters.map(byId), '}')}`);
  lines.push(
    `by-position = ${group('[', fn.parameters.filter(({ keyword }) => keyword !== true).map(byPosition), ']')}`,
  );
  if (lone) lines.push(`only = ${typeCddl(lone.type)}`);
  const result = fn.returns ? typeCddl(fn.returns) : 'any';
  if (fn.stream === true) lines.push(`item = ${result}`, 'notification = [ index: uint, item ] / [ count: uint ]');
  else lines.push(`result = ${result}`);
  return `${lines.join('\n')}\n`;
}

/** A scalar stands for the only argument, where one is enough and could not be taken for a list or map of arguments. */
function loneArgument(parameters: readonly DescribedParameter[]): DescribedParameter | undefined {
  const [first, ...others] = parameters;
  if (!first || first.rest || others.some((parameter) => parameter.required)) return undefined;
  return isScalar(first.type) ? first : undefined;
}

function isScalar(type: DescribedType): boolean {
  switch (type.kind) {
    case 'any':
    case 'null':
    case 'array':
    case 'tuple':
    case 'object':
      return false;
    case 'union':
      return type.options.every(isScalar);
    case 'literal':
      return type.value !== null;
    case 'boolean':
    case 'number':
    case 'integer':
    case 'bigint':
    case 'string':
    case 'bytes':
    case 'date':
    case 'instance':
      return true;
  }
}

const byName = (parameter: DescribedParameter): string =>
  `${occurrence(parameter)}${memberKey(parameter.name)} ${valueOf(parameter)}`;

const anyName = ({ others, type }: DescribedParameter): readonly string[] =>
  others === true && type.kind === 'object' ? [`* tstr => ${typeCddl(type.additional ?? { kind: 'any' })}`] : [];

const byId = (parameter: DescribedParameter): string =>
  `${occurrence(parameter)}${parameter.id ?? 0} => ${valueOf(parameter)}`;

function byPosition(parameter: DescribedParameter): string {
  if (!parameter.rest) return byName(parameter);
  return `* ${typeCddl(parameter.type.kind === 'array' ? parameter.type.items : { kind: 'any' })}`;
}

const occurrence = (parameter: DescribedParameter): string => (parameter.required ? '' : '? ');

/** With the default where a control operator can carry it (RFC 8610 §3.8.6). */
function valueOf({ type, default: assumed }: DescribedParameter): string {
  const literal =
    typeof assumed === 'string' || typeof assumed === 'boolean' || typeof assumed === 'number'
      ? literalCddl(assumed)
      : undefined;
  return literal === undefined ? typeCddl(type) : `${operand(typeCddl(type))} .default ${literal}`;
}

/** A type in the notation of RFC 8610, with names of its prelude (Appendix D). */
export function typeCddl(type: DescribedType): string {
  switch (type.kind) {
    case 'any':
      return 'any';
    case 'null':
      return 'null';
    case 'boolean':
      return 'bool';
    case 'number':
      return bounded('number', type.minimum, type.maximum);
    case 'integer':
      return Number.isSafeInteger(type.minimum) && Number.isSafeInteger(type.maximum)
        ? `${type.minimum}..${type.maximum}`
        : bounded('int', type.minimum, type.maximum);
    case 'bigint':
      return 'integer';
    case 'string':
      return sized(type.minLength, type.maxLength);
    case 'bytes':
      return 'bstr';
    case 'date':
      return 'time';
    case 'literal':
      return literalCddl(type.value) ?? 'float';
    case 'instance':
      return '#6.39(tstr .regexp "/o/[A-Za-z0-9_-]{8}")';
    case 'union':
      // CDDL cannot write a choice of nothing; a text that is also a number is one.
      return type.options.length === 0 ? 'tstr .and number' : `(${type.options.map(typeCddl).join(' / ')})`;
    case 'array':
      return `[* ${typeCddl(type.items)}]`;
    case 'tuple':
      return group('[', type.items.map(typeCddl), ']');
    case 'object':
      return objectCddl(type);
  }
}

function objectCddl({ properties, additional }: DescribedObject): string {
  const members = Object.entries(properties).map(
    ([name, property]) => `${property.required ? '' : '? '}${memberKey(name)} ${typeCddl(property.type)}`,
  );
  if (additional) members.push(`* tstr => ${typeCddl(additional)}`);
  return group('{', members, '}');
}

const group = (open: string, members: readonly string[], close: string): string =>
  members.length === 0 ? open + close : `${open} ${members.join(', ')} ${close}`;

/** RFC 8610 Appendix B: `type1` has one operator, so only names and what has parentheses go without. */
const operand = (type: string): string => (/^(?:[\w-]+|\(.*\))$/s.test(type) ? type : `(${type})`);

function bounded(name: string, minimum: number | undefined, maximum: number | undefined): string {
  let type = name;
  if (minimum !== undefined && Number.isFinite(minimum)) type = `${type} .ge ${minimum}`;
  if (maximum !== undefined && Number.isFinite(maximum)) type = `${operand(type)} .le ${maximum}`;
  return type;
}

/** Lengths count characters, which `.size` does not (RFC 8610 §3.8.1), so a regular expression says it. */
function sized(minimum: number | undefined, maximum: number | undefined): string {
  const low = minimum ?? 0;
  const high = maximum !== undefined && Number.isFinite(maximum) ? maximum : undefined;
  if (low === 0 && high === undefined) return 'tstr';
  return String.raw`tstr .regexp "[\\s\\S]{${low},${high ?? ''}}"`;
}

/** RFC 8610 Appendix B `value`; undefined for what it cannot write. */
function literalCddl(value: string | number | boolean | null): string | undefined {
  if (typeof value === 'string') return textCddl(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  return Object.is(value, -0) ? '0' : String(value);
}

/** As in JSON (RFC 8610 §3.1); what the grammar of Appendix B leaves out is escaped too. */
const textCddl = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\u007f\u{10fffe}\u{10ffff}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

/** RFC 8610 §3.5.1: a bareword where the name can be one. */
const memberKey = (name: string): string =>
  `${/^[A-Za-z@_$](?:[-.]*[A-Za-z0-9@_$])*$/.test(name) ? name : textCddl(name)}:`;

/** A comment ends with its line, and has no characters that Appendix B leaves out. */
const comment = (text: string): string => text.replaceAll(/[\s\p{Cc}\p{Cs}\u{10fffe}\u{10ffff}]+/gu, ' ').trim();
