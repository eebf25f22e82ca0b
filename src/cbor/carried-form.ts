/**
 * What a value that a function returned looks like once it is data. Both writers (CBOR and JSON) ask here, so that
 * they agree. In this order: what CBOR has a type for, then what says so itself (`toJSON`), then what can be
 * iterated (an array), then plain objects (members); anything else goes as its text form.
 */
import { UsageError } from '../core/error.ts';

/** Deeper than what decoders take by default, shallow enough for the stack; no RFC gives a number. */
export const maxEncodeDepth = 128;

export function unencodable(why: string, cause?: unknown): UsageError {
  return new UsageError('unencodable-value', `The value cannot be encoded: ${why}.`, { cause });
}

/** The chain of containers that a writer is inside of: finds cycles and bounds the depth. */
export class Ancestors {
  readonly #chain: object[] = [];

  enter(container: object): void {
    if (this.#chain.includes(container)) throw unencodable('it contains itself; return a copy without the cycle');
    if (this.#chain.length >= maxEncodeDepth)
      throw unencodable(`it is nested deeper than ${maxEncodeDepth} levels; return flatter data`);
    this.#chain.push(container);
  }

  leave(): void {
    this.#chain.pop();
  }
}

export function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function';
}

/** Made by `{}`, by a decoder, with no prototype at all, or as such in another realm. */
export function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

export function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** The raw bytes of an ArrayBuffer or DataView; undefined for anything else. */
export function rawBytes(value: object): Uint8Array | undefined {
  if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? new Uint8Array(value) : undefined;
}

/** The text that stands for what no format can carry. A function's source stays where it is: only its name leaves. */
export function textForm(value: object | symbol): string {
  if (typeof value === 'function') return `[function ${value.name === '' ? 'anonymous' : value.name}]`;
  try {
    // oxlint-disable-next-line typescript/no-base-to-string -- "[object Object]" is a text form too
    return String(value);
  } catch {
    // A toString that throws, or none.
    return Object.prototype.toString.call(value);
  }
}
