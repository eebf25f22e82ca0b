/** From the type in a JSDoc tag's braces to a value type: TypeScript, plus what JSDoc writes differently. */
import type { ValueType } from '../description.ts';
import { parseType } from './syntax.ts';
import type { TypeReader } from './typescript-type.ts';
import { anyType, unionOf } from './value-types.ts';

/** Names that JSDoc capitalizes and TypeScript does not. */
const spelled: ReadonlyMap<string, string> = new Map([
  ['Number', 'number'],
  ['String', 'string'],
  ['Boolean', 'boolean'],
  ['BigInt', 'bigint'],
  ['Object', 'object'],
]);

/** A type in JSDoc braces is short; what is longer says nothing that is checked. */
const maxLength = 2000;

export function readDocType(text: string, types: TypeReader): ValueType {
  if (text.length > maxLength) return anyType;
  let rest = text
    .trim()
    .replace(/=$/, '')
    .replace(/^\.\.\./, '')
    .trim();
  const nullable = rest.startsWith('?') || rest.endsWith('?');
  rest = rest.replace(/^[?!]|[?!]$/g, '').trim();
  if (rest === '*' || rest === '' || rest === 'Function' || rest === 'function') return anyType;
  rest = rest
    .replace(/\.</g, '<')
    .replace(/\b(?:Number|String|Boolean|BigInt|Object)\b(?!\s*<)/g, (name) => spelled.get(name) ?? name)
    .replace(/\bObject\s*</g, 'Record<');
  const node = parseType(rest);
  if (node === undefined) return anyType;
  const type = types.read(node).type;
  return nullable ? unionOf([type, { kind: 'null' }]) : type;
}
