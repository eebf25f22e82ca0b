/** Functions that are streams: generators, and what is declared to return an async iterable. */
import type { ValueType } from '../description.ts';
import type { Doc } from './jsdoc.ts';
import { readDocType } from './jsdoc-type.ts';
import type { TypeNode } from './syntax.ts';
import type { TypeReader } from './typescript-type.ts';

/** What cannot be meant for a list. A function that returns an `Iterable` gives all of it at once. */
const streamTypes: ReadonlySet<string> = new Set([
  'AsyncGenerator',
  'AsyncIterable',
  'AsyncIterableIterator',
  'AsyncIteratorObject',
  'AsyncIterator',
  'Generator',
]);
const iterableTypes: ReadonlySet<string> = new Set([
  ...streamTypes,
  'Iterable',
  'IterableIterator',
  'Iterator',
  'IteratorObject',
]);

/** Whether a function with this return type is a stream although it is no generator itself. */
export function isStreamType(type: TypeNode | undefined): boolean {
  const inner = withoutPromise(type);
  return inner !== undefined && streamTypes.has(nameOf(inner));
}

/** The type of one item. */
export function itemType(
  type: TypeNode | undefined,
  doc: Doc,
  hidden: ReadonlySet<string>,
  types: TypeReader,
): ValueType | undefined {
  const inner = withoutPromise(type);
  if (inner?.type === 'TSTypeReference' && iterableTypes.has(nameOf(inner))) {
    const [item] = inner.typeArguments?.params ?? [];
    if (item === undefined) return undefined;
    const read = types.read(item, hidden);
    return read.optional ? undefined : read.type;
  }
  const [, name = '', item] = /^(\w+)\s*\.?<([^]*)>$/.exec(doc.returns?.type ?? '') ?? [];
  return item !== undefined && iterableTypes.has(name) ? readDocType(item, types) : undefined;
}

/** Why a stream cannot be called, for people. */
export function streamProblem(promised: {
  readonly safe: boolean;
  readonly pure: boolean;
  readonly inline: boolean;
}): string | undefined {
  if (promised.pure) return 'it is a stream, and a stream is not cached; promise that it is safe instead of pure';
  if (promised.inline) return 'it is a stream, and a stream runs in a worker; take the promise inline away';
  if (!promised.safe)
    return 'it is a generator, which is called as a stream, and a stream has no side effects; promise that it is safe (@safe), or return a list';
  return undefined;
}

function withoutPromise(type: TypeNode | undefined): TypeNode | undefined {
  if (type?.type !== 'TSTypeReference' || nameOf(type) !== 'Promise') return type;
  return type.typeArguments?.params[0];
}

const nameOf = (type: TypeNode): string =>
  type.type === 'TSTypeReference' && type.typeName.type === 'Identifier' ? type.typeName.name : '';
