/**
 * The body of a batch (docs/calling.md): `[[target, ? arguments], …]`, a reference as tag 39 around `[index, …steps]`, an object of
 * the gateway as its path. Arguments that are references are checked by the gateway when it has what they stand for, the others here.
 */
import { decodeCbor } from '../../cbor/decode.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { referenceTag } from '../../cbor/reference-tag.ts';
import { CborWriter } from '../../cbor/writer.ts';
import { UsageError } from '../../core/error.ts';
import { ObjectReference } from '../../core/object-reference.ts';
import type { Value } from '../../core/value.ts';
import { isClass, type DescribedFunction, type DescribedParameter } from '../../directory/described.ts';
import { arranged, check, type Argument } from './arguments.ts';
import type { BatchRecorder } from './batch-recorder.ts';
import { streamNotOnce } from './errors.ts';
import { placeOf, type Place } from './references.ts';
import { replaced } from './replaced.ts';

/** @param returned what is wanted of the results @throws ArgumentError; UsageError `unencodable-value`, `bad-reference` */
export function batchBody(
  recorder: BatchRecorder,
  functions: readonly DescribedFunction[],
  returned: readonly Place[],
): Uint8Array {
  const checkPlace = (place: Place): Place => {
    const fn = functions[recorder.indexOf(place)];
    if (fn !== undefined) checkSteps(place, fn);
    return place;
  };
  for (const place of returned) checkPlace(place);
  const writer = new CborWriter();
  writer.head(4, recorder.calls.length);
  for (const [at, { target, args }] of recorder.calls.entries()) {
    const fn = functions[at];
    if (fn?.stream === true) throw streamNotOnce(fn, 'a batch');
    const entries = fn === undefined ? undefined : entriesOf(fn, args);
    if (fn !== undefined) checkEntries(fn, entries);
    writer.head(4, entries === undefined ? 1 : 2);
    writer.text(targetText(target.path));
    if (entries === undefined) continue;
    writer.head(entries.named ? 5 : 4, entries.list.length);
    for (const { key, argument } of entries.list) {
      if (entries.named) writer.raw(encodeCbor(key as Value));
      writeArgument(writer, argument, checkPlace);
    }
  }
  return writer.take();
}

/** `math/add`, `o/3kP0aZ_q/deposit`. */
const targetText = ([root = '', ...names]: readonly string[]): string =>
  (root === 'func' ? names : [root, ...names]).join('/');

/** What an object of the gateway has is there, and not in the answer. */
function checkSteps({ steps }: Place, fn: DescribedFunction): void {
  if (steps.length === 0 || !(isClass(fn) || fn.returns?.kind === 'instance')) return;
  throw new UsageError(
    'bad-reference',
    `${fn.library}/${fn.method} gives an object, of which ${steps.join('.')} cannot be read in the same batch: make the object first, then use later.$object(…) in a batch.`,
  );
}

function writeArgument(writer: CborWriter, argument: Argument, checkPlace: (place: Place) => Place): void {
  const place = placeOf(argument);
  if (place === undefined) {
    writer.raw(encodeCbor(argument as Value));
    return;
  }
  const { index, steps } = checkPlace(place);
  writer.head(6, referenceTag);
  writer.raw(encodeCbor([index, ...steps]));
}

/** In a batch tag 39 stands for a result, and a path for an object. */
const asPath = (item: object): unknown => (item instanceof ObjectReference ? item.path : item);

interface Entries {
  readonly named: boolean;
  /** `key` is a name, a locked id, or a position. */
  readonly list: readonly { readonly key: Argument; readonly argument: Argument }[];
}

function entriesOf(fn: DescribedFunction, args: readonly Argument[]): Entries | undefined {
  const body = arranged(fn, replaced(args, asPath) as readonly Argument[]);
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
