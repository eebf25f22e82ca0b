/**
 * References in a batch (tag 39: draft-bormann-cbor-lang "identifier"): what an argument is given of the results of earlier calls.
 * Together those of one call stand for so much and no more: each call could double what the one before it gave.
 */
import type { CachedResult } from '../cache/cacheable.ts';
import { valueSize } from '../cache/value-size.ts';
import { isList, type Value } from '../core/value.ts';
import { CallError } from '../functions/call-error.ts';
import { shown } from '../functions/names.ts';

type Members = Readonly<Record<string, Value>>;
type Step = string | number;

/** What an argument stands for. */
export interface Reference {
  readonly index: number;
  readonly steps: readonly Step[];
}

/** Memory, as the cache estimates it. No RFC's number. */
const maxReferredBytes = 4 << 20;

/** @param index of the call that it is in @throws CallError `bad-reference` */
export function readReference(content: Value, index: number): Reference {
  const isStep = (step: Value): step is Step =>
    typeof step === 'string' || (typeof step === 'number' && Number.isSafeInteger(step) && step >= 0);
  const [first, ...steps] = isList(content) ? content : [];
  if (typeof first !== 'number' || !isStep(first) || !steps.every(isStep))
    throw badReference(
      `A reference in call ${index} must be tag 39 of [index, …steps], each a text or a whole number.`,
    );
  if (first >= index) throw badReference(`Call ${index} refers to call ${first}, which does not come before it.`);
  return { index: first, steps };
}

export class ReferredResults {
  readonly #results: readonly CachedResult[];
  /** Made of bytes each time they are asked for; here once. */
  readonly #values = new Map<number, Value>();
  readonly #sizes = new Map<Value, number>();

  /** @param results of the calls so far; it grows */
  constructor(results: readonly CachedResult[]) {
    this.#results = results;
  }

  /** Gives what the references of one call stand for, one after the other. @throws CallError `bad-reference`, `too-large` */
  ofCall(): (reference: Reference) => Value {
    let bytes = 0;
    let isFirst = true;
    return (reference) => {
      const value = follow(reference, this.#valueOf(reference.index));
      bytes += this.#sizeOf(value);
      // One alone hands on what there is, and makes nothing more of it.
      if (!isFirst && bytes > maxReferredBytes)
        throw new CallError(
          'too-large',
          `Its references stand for more than ${maxReferredBytes >> 20} MiB together; refer to parts, or call one by one.`,
        );
      isFirst = false;
      return value;
    };
  }

  #valueOf(index: number): Value {
    if (!this.#values.has(index)) this.#values.set(index, this.#results[index]?.value);
    return this.#values.get(index);
  }

  #sizeOf(value: Value): number {
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const size = valueSize(value) ?? maxReferredBytes;
    this.#sizes.set(value, size);
    return size;
  }
}

function follow({ index, steps }: Reference, result: Value): Value {
  let value = result;
  for (const step of steps) {
    value = member(value, step);
    if (value === undefined)
      throw badReference(`The result of call ${index} has nothing at ${shown(steps.join('/'))}.`);
  }
  if (value === undefined) throw badReference(`Call ${index} gave no result to refer to.`);
  return value;
}

function member(value: Value, step: Step): Value {
  if (isList(value)) return typeof step === 'number' ? value[step] : undefined;
  if (value instanceof Map) return (value as ReadonlyMap<Value, Value>).get(step);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date)
    return undefined;
  return Object.hasOwn(value, step) ? (value as Members)[step] : undefined;
}

export const badReference = (message: string): CallError => new CallError('bad-reference', message);
