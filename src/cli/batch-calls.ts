/**
 * The calls of a batch, as lines of the command line or as a file:
 *
 *     'users/find name=Ada' 'orders/of user=#0.id'           #0.id is the member `id` of what call 0 gives
 *     'bank/Account Ada' 'o/3kP0aZ_q/pay #0 10'              an object that is there pays one that is made
 *     [["users/find", {"name": "Ada"}],
 *      ["orders/of", {"user": {"#": [0, "id"]}}]]            the same in JSON; in CBOR tag 39 around [0, "id"]
 *
 * A text that looks like a reference is given as JSON: name:='"#0"'.
 */
import { decodeCbor } from '../cbor/decode.ts';
import { defaultDecodeLimits } from '../cbor/limits.ts';
import { decodeJson } from '../cbor/json-decode.ts';
import { referenceTag } from '../cbor/reference-tag.ts';
import type { Argument } from '../client/sdk/arguments.ts';
import { UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { readArguments, type ReadSource } from './call-arguments.ts';
import { namedWords, wordsOf } from './call-line.ts';
import { checkUse, type LineTarget, type LineTargets } from './line-target.ts';

/** Stands for what an earlier call gives. */
export class ResultOf {
  readonly index: number;
  readonly steps: readonly (string | number)[];

  constructor(index: number, steps: readonly (string | number)[]) {
    this.index = index;
    this.steps = steps;
  }
}

export interface BatchedLine {
  readonly target: LineTarget;
  /** By position. A list of one that is by name stands alone. */
  readonly args: readonly (Argument | ResultOf)[];
}

const reference = /^([^=:]+)=#(\d{1,2})((?:\.[^.]+)*)$/;

/** @throws UsageError for what does not fit the signature */
export async function callsOfLines(
  lines: readonly string[],
  targets: LineTargets,
  read: ReadSource,
): Promise<BatchedLine[]> {
  const calls: BatchedLine[] = [];
  for (const line of lines) {
    const [word = '', ...words] = wordsOf(line);
    const target = await targets.find(word);
    checkUse(target, words);
    const { fn } = target;
    const named = namedWords(fn, words);
    const referred = named.flatMap((word): [string, ResultOf][] => {
      const [, name, index, steps = ''] = reference.exec(word) ?? [];
      return name === undefined ? [] : [[name, new ResultOf(Number(index), steps.split('.').slice(1))]];
    });
    const names = new Set(referred.map(([name]) => name));
    const own = { ...fn, parameters: fn.parameters.filter(({ name }) => !names.has(name)) };
    const values = await readArguments(
      own,
      named.filter((word) => !reference.test(word)),
      read,
    );
    calls.push({ target, args: [{ ...values, ...Object.fromEntries(referred) }] });
  }
  return calls;
}

/** @throws UsageError `bad-argument`; PeerError `malformed-body`; what `LineTargets.find` does */
export async function callsOfFile(bytes: Uint8Array, targets: LineTargets): Promise<BatchedLine[]> {
  // A list in CBOR begins with a byte that no JSON begins with.
  const [first = 0] = bytes;
  const isCbor = first >= 0x80 && first <= 0x9f;
  const marks = new Map<Value, ResultOf>();
  const ownTag = {
    tag: referenceTag,
    value: (content: Value): Value => {
      const mark = {};
      marks.set(mark, resultOf(content));
      return mark;
    },
  };
  const list = isCbor ? decodeCbor(bytes, defaultDecodeLimits, ownTag) : decodeJson(bytes);
  if (!isList(list)) throw shape();
  const argumentOf = (value: Value): Argument | ResultOf => {
    const content = typeof value === 'object' && value !== null && '#' in value ? value['#'] : undefined;
    const isAlone = content !== undefined && Object.keys(value ?? {}).length === 1;
    return marks.get(value) ?? (isAlone && !isCbor ? resultOf(content) : value);
  };
  const calls: BatchedLine[] = [];
  for (const call of list) {
    const [word, given] = isList(call) ? call : [];
    if (typeof word !== 'string') throw shape();
    const target = await targets.find(word);
    const args = argumentsOf(given, argumentOf);
    checkUse(target, args);
    calls.push({ target, args });
  }
  return calls;
}

function argumentsOf(args: Value, argumentOf: (value: Value) => Argument | ResultOf): readonly (Argument | ResultOf)[] {
  if (args === undefined) return [];
  // What is left out behind it says that it is by position.
  if (isList(args)) return [...args.map(argumentOf), undefined];
  const whole = argumentOf(args);
  if (whole instanceof ResultOf || typeof args !== 'object' || args === null) return [whole];
  if (args instanceof Uint8Array || args instanceof Date || args instanceof Map) return [args];
  return [Object.fromEntries(Object.entries(args).map(([name, value]) => [name, argumentOf(value as Value)]))];
}

function resultOf(content: Value): ResultOf {
  const [index, ...steps] = isList(content) ? content : [];
  const isStep = (step: Value): step is string | number => typeof step === 'string' || typeof step === 'number';
  if (typeof index !== 'number' || !steps.every(isStep))
    throw new UsageError('bad-argument', 'A reference is the number of an earlier call, and steps into its result.');
  return new ResultOf(index, steps);
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

const shape = (): UsageError =>
  new UsageError(
    'bad-argument',
    'A batch is a list of calls, each ["library/method", arguments] or ["o/ID/method", arguments].',
  );
