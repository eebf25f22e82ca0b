/**
 * The body of a batch (docs/calling.md): `[[target, ? arguments], …]`, a reference as tag 39 around `[index, …steps]`.
 * Arguments that are references are checked by the gateway when it has what they stand for, the others here.
 */
import { decodeCbor } from '../../cbor/decode.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { CborWriter } from '../../cbor/writer.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction, DescribedParameter } from '../../directory/described.ts';
import { arranged, check, type Argument } from './arguments.ts';
import { placeOf } from './references.ts';

export interface RecordedCall {
  readonly library: string;
  readonly method: string;
  readonly args: readonly Argument[];
}

const referenceTag = 39;

/** @throws ArgumentError; UsageError `unencodable-value` */
export function batchBody(calls: readonly RecordedCall[], functions: readonly DescribedFunction[]): Uint8Array {
  const writer = new CborWriter();
  writer.head(4, calls.length);
  for (const [at, { library, method, args }] of calls.entries()) {
    const fn = functions[at];
    const entries = fn === undefined ? undefined : entriesOf(fn, args);
    if (fn !== undefined) checkEntries(fn, entries);
    writer.head(4, entries === undefined ? 1 : 2);
    writer.text(`${library}/${method}`);
    if (entries === undefined) continue;
    writer.head(entries.named ? 5 : 4, entries.list.length);
    for (const { key, argument } of entries.list) {
      if (entries.named) writer.raw(encodeCbor(key as Value));
      writeArgument(writer, argument);
    }
  }
  return writer.take();
}

function writeArgument(writer: CborWriter, argument: Argument): void {
  const place = placeOf(argument);
  if (place === undefined) {
    writer.raw(encodeCbor(argument as Value));
    return;
  }
  writer.head(6, referenceTag);
  writer.raw(encodeCbor([place.index, ...place.steps]));
}

interface Entries {
  readonly named: boolean;
  /** `key` is a name, a locked id, or a position. */
  readonly list: readonly { readonly key: Argument; readonly argument: Argument }[];
}

function entriesOf(fn: DescribedFunction, args: readonly Argument[]): Entries | undefined {
  const body = arranged(fn, args);
  if (body === undefined) return undefined;
  const named = !Array.isArray(body);
  const pairs: Iterable<readonly [Argument, Argument]> =
    body instanceof Map || Array.isArray(body) ? body.entries() : Object.entries(body);
  return {
    named,
    list: [...pairs].flatMap(([key, argument]) => (argument === undefined ? [] : [{ key, argument }])),
  };
}

/** @throws ArgumentError */
function checkEntries(fn: DescribedFunction, entries: Entries | undefined): void {
  if (entries === undefined) {
    check(fn, undefined);
    return;
  }
  const referred = entries.list.flatMap(({ key, argument }) => (placeOf(argument) === undefined ? [] : [key]));
  const values = entries.list.map(({ key, argument }): [Value, Value] => [
    key as Value,
    placeOf(argument) === undefined ? decodeCbor(encodeCbor(argument as Value)) : true,
  ]);
  const loose = referred.length === 0 ? fn : { ...fn, parameters: loosened(fn.parameters, referred, entries.named) };
  check(loose, entries.named ? new Map(values) : values.map(([, value]) => value));
}

/** What a reference stands for may be anything. */
function loosened(
  parameters: readonly DescribedParameter[],
  referred: readonly Argument[],
  named: boolean,
): DescribedParameter[] {
  const room = parameters.findIndex(({ rest, keyword }) => rest || keyword === true);
  return parameters.map((parameter, at) => {
    const { name, id, rest, others } = parameter;
    const isMeant = (key: Argument): boolean =>
      named ? key === name || key === id || key === String(id) : key === at || (rest && Number(key) >= room);
    if (others === true) return { ...parameter, type: { kind: 'object', properties: {}, additional: { kind: 'any' } } };
    if (!referred.some(isMeant)) return parameter;
    return { ...parameter, type: rest && !named ? { kind: 'array', items: { kind: 'any' } } : { kind: 'any' } };
  });
}
