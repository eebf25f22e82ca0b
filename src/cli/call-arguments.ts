/**
 * The arguments of `funcoap call`, typed by the described signature:
 *
 *     name=value   by the declared type; where there is none, JSON if it is JSON, else text
 *     name:=JSON   exactly this JSON
 *     name=@file   the file: bytes, text, or JSON, by the declared type; name=@- is the input, name=@@x is "@x"
 *     name         true
 *
 * An object is the URI that `funcoap call` printed, or its path. A name given twice is a list. `-` and `@file` alone are a whole body.
 */
import { decodeJson } from '../cbor/json-decode.ts';
import { textOf, utf8 } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import type { DescribedFunction, DescribedParameter, DescribedType } from '../directory/described.ts';
import { CallError } from '../functions/call-error.ts';
import { nearestName } from '../functions/names.ts';
import { readQuery } from '../functions/query-text.ts';

/** Reads a file, or the input where the name is `-`. */
export type ReadSource = (name: string) => Promise<Uint8Array>;

interface Item {
  readonly name: string;
  readonly given: 'text' | 'json' | 'source' | 'true';
  readonly text: string;
}

function itemOf(argument: string): Item {
  const match = /^([^=:]+)(:=|=@@|=@|=)([^]*)$/.exec(argument);
  if (match === null) return { name: argument, given: 'true', text: '' };
  const [, name = '', sign, text = ''] = match;
  if (sign === ':=') return { name, given: 'json', text };
  if (sign === '=@') return { name, given: 'source', text };
  if (sign === '=' && text === '-') return { name, given: 'source', text };
  return { name, given: 'text', text: sign === '=@@' ? `@${text}` : text };
}

const hasKind = (type: DescribedType, kind: DescribedType['kind']): boolean =>
  type.kind === kind || (type.kind === 'union' && type.options.some((option) => hasKind(option, kind)));

/** `funcoap call` prints objects as URIs, so that they can be given as such. */
const objectPath = (text: string, type: DescribedType): string =>
  hasKind(type, 'instance') ? (/^[a-z]+:\/\/[^/]+(\/o\/[\w-]+)$/i.exec(text)?.[1] ?? text) : text;

function jsonOf(text: string, name: string): Value {
  try {
    return decodeJson(utf8(text));
  } catch (cause) {
    throw new UsageError(
      'bad-argument',
      `${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** Where no type is declared a person means 10 by 10 and [1,2] by [1,2]. */
function guessed(text: string): Value {
  try {
    return decodeJson(utf8(text));
  } catch {
    return text;
  }
}

async function valueOf(
  item: Item,
  parameter: DescribedParameter,
  type: DescribedType,
  read: ReadSource,
): Promise<Value> {
  const { name, text } = item;
  switch (item.given) {
    case 'json':
      return jsonOf(text, name);
    case 'true':
      return typed([undefined], type, parameter);
    case 'text':
      // A list of what has no declared type, given once: as it would be given twice.
      if (type.kind === 'array' && type.items.kind === 'any' && !text.startsWith('[')) return [guessed(text)];
      return type.kind === 'any' ? guessed(text) : typed([objectPath(text, type)], type, parameter);
    case 'source': {
      const bytes = await read(text);
      if (hasKind(type, 'bytes')) return bytes;
      const content = textOf(bytes);
      if (content === undefined) {
        if (type.kind === 'any') return bytes;
        throw new UsageError('bad-argument', `${text} is not UTF-8 text, but ${name} is no byte string.`);
      }
      if (hasKind(type, 'string')) return content;
      return type.kind === 'any' ? guessed(content) : typed([content.trim()], type, parameter);
    }
  }
}

function typed(texts: readonly (string | undefined)[], type: DescribedType, parameter: DescribedParameter): Value {
  try {
    return readQuery(texts, type, parameter.name, parameter);
  } catch (cause) {
    if (!(cause instanceof CallError)) throw cause;
    throw new UsageError(
      'bad-argument',
      cause.message.replace(' stands in the query without "="', ' stands there without "="'),
      { cause },
    );
  }
}

function parameterOf(fn: DescribedFunction, name: string): DescribedParameter {
  const found = fn.parameters.find((parameter) => parameter.name === name);
  if (found !== undefined) return found;
  const names = fn.parameters.map((parameter) => parameter.name);
  const meant = nearestName(name, names);
  const hint =
    meant === undefined
      ? names.length === 0
        ? 'it takes no arguments.'
        : `its parameters are ${names.join(', ')}; write name=value.`
      : `did you mean ${meant}?`;
  throw new UsageError('bad-argument', `${fn.library}/${fn.method} has no parameter ${name}; ${hint}`);
}

/**
 * The arguments by name.
 * @throws UsageError for a name or a value that does not fit the signature
 */
export async function readArguments(
  fn: DescribedFunction,
  texts: readonly string[],
  read: ReadSource,
): Promise<Readonly<Record<string, Value>>> {
  const byName = Map.groupBy(texts.map(itemOf), ({ name }) => name);
  const values: [string, Value][] = [];
  for (const [name, items] of byName) {
    const parameter = parameterOf(fn, name);
    const [first] = items;
    if (first === undefined) continue;
    if (items.length === 1) {
      values.push([name, await valueOf(first, parameter, parameter.type, read)]);
      continue;
    }
    if (!hasKind(parameter.type, 'array') && !hasKind(parameter.type, 'tuple') && parameter.type.kind !== 'any') {
      throw new UsageError('bad-argument', `${name} is given ${items.length} times and is no list; give it once.`);
    }
    const itemType = parameter.type.kind === 'array' ? parameter.type.items : { kind: 'any' as const };
    const list: Value[] = [];
    for (const item of items) list.push(await valueOf(item, parameter, itemType, read));
    values.push([name, list]);
  }
  const missing = fn.parameters.filter(({ name, required }) => required && !byName.has(name));
  if (missing.length > 0) {
    const names = missing.map(({ name, type }) => `${name} (${type.kind})`).join(', ');
    throw new UsageError('bad-argument', `${fn.library}/${fn.method} needs ${names}; write name=value.`);
  }
  return Object.fromEntries(values);
}
