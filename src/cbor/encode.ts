/**
 * Value -> CBOR, core deterministic encoding (RFC 8949 §4.2.1): shortest heads and floats, definite lengths,
 * keys in the bytewise order of their encodings. Equal values are equal bytes.
 *
 * Date is tag 1, bigint the integer it is (tags 2 and 3 beyond 64 bits), an integer held in a number from 2^53
 * a float. -0 is a float, NaN the one of §4.2.2. Members that are undefined are left out, in arrays undefined is null.
 * What is none of CBOR's types: see carried-form.ts; a reference to an object: reference-tag.ts.
 */
import { ObjectReference } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import { Ancestors, hasToJson, isIterable, isPlainObject, rawBytes, textForm, unencodable } from './carried-form.ts';
import { referenceTag } from './reference-tag.ts';
import { compareBytes, CborWriter } from './writer.ts';

/**
 * `carried`: for people and peers; what CBOR has no type for goes as its text form.
 * `exact`: for telling values apart; what CBOR has no type for is refused, and undefined is kept everywhere.
 */
type Mode = 'carried' | 'exact';

let spare: CborWriter | undefined = new CborWriter();

/** Throws a `UsageError` (`unencodable-value`) for cycles, excessive depth or size, and equal keys. */
export function encodeCbor(value: Value): Uint8Array {
  return encode(value, 'carried');
}

/**
 * One encoding per value, for comparing: `[undefined]` and `[null]` differ, and values that CBOR has no type
 * for (class instances, functions, iterators) are a `UsageError` (`unencodable-value`).
 */
export function encodeExactly(value: Value): Uint8Array {
  return encode(value, 'exact');
}

/** @param ancestors of a key: the containers that it is inside of */
function encode(value: unknown, mode: Mode, ancestors: Ancestors = new Ancestors()): Uint8Array {
  // A getter or toJSON may encode while we do: then there is no spare writer.
  const writer = spare ?? new CborWriter();
  spare = undefined;
  try {
    new Encoder(writer, mode, ancestors).item(value);
    return writer.take();
  } finally {
    writer.reset();
    spare = writer;
  }
}

class Encoder {
  readonly #out: CborWriter;
  readonly #mode: Mode;
  readonly #ancestors: Ancestors;

  constructor(out: CborWriter, mode: Mode, ancestors: Ancestors) {
    this.#out = out;
    this.#mode = mode;
    this.#ancestors = ancestors;
  }

  item(value: unknown): void {
    if (this.#out.scalar(value)) return;
    if (typeof value === 'object' && value !== null) this.#object(value);
    else if (typeof value === 'function' || typeof value === 'symbol') this.#other(value);
  }

  #object(value: object): void {
    if (value instanceof Uint8Array) {
      this.#out.bytes(value);
    } else if (value instanceof Date) {
      this.#date(value);
    } else {
      this.#ancestors.enter(value);
      this.#container(value);
      this.#ancestors.leave();
    }
  }

  #container(value: object): void {
    if (Array.isArray(value)) {
      this.#out.head(4, value.length);
      for (const element of value) this.#element(element);
    } else if (value instanceof Map) {
      this.#members([...value.entries()]);
    } else if (this.#mode === 'carried' && hasToJson(value)) {
      this.item(value.toJSON(''));
    } else if (this.#mode === 'carried' && isIterable(value)) {
      this.#rows(value);
    } else if (isPlainObject(value) && !hasToJson(value) && !isIterable(value)) {
      this.#properties(value);
    } else {
      this.#other(value);
    }
  }

  #element(value: unknown): void {
    // CBOR's undefined means little to devices; JSON says null here too.
    this.item(value === undefined && this.#mode === 'carried' ? null : value);
  }

  /** Written while they come, so that a table is never in memory twice: the head is put in afterwards. */
  #rows(rows: Iterable<unknown>): void {
    const mark = this.#out.mark();
    let count = 0;
    for (const row of rows) {
      this.#element(row);
      count++;
    }
    this.#out.headAt(mark, 4, count);
  }

  #properties(value: Readonly<Record<string, unknown>>): void {
    let names = Object.keys(value);
    if (this.#mode === 'carried' && names.some((name) => value[name] === undefined)) {
      names = names.filter((name) => value[name] !== undefined);
    }
    if (!names.every(isAscii)) {
      this.#members(names.map((name) => [name, value[name]]));
      return;
    }
    if (!areSorted(names)) names.sort(byLengthThenText);
    this.#out.head(5, names.length);
    for (const name of names) {
      this.#out.text(name);
      this.item(value[name]);
    }
  }

  /** RFC 8949 §4.2.1: sorted by the bytes of the encoded keys. */
  #members(entries: readonly (readonly [unknown, unknown])[]): void {
    const kept = entries
      .filter(([, member]) => member !== undefined || this.#mode === 'exact')
      .map(([key, member]) => ({ key: encode(key, this.#mode, this.#ancestors), member }))
      .sort((a, b) => compareBytes(a.key, b.key));
    this.#out.head(5, kept.length);
    let previous: Uint8Array | undefined;
    for (const { key, member } of kept) {
      if (previous !== undefined && compareBytes(previous, key) === 0)
        throw unencodable('two keys of a map are the same');
      previous = key;
      this.#out.raw(key);
      this.item(member);
    }
  }

  #date(date: Date): void {
    const time = date.getTime();
    // RFC 8949 §3.4.2 advises null over a tag 1 with NaN.
    if (Number.isNaN(time)) {
      this.#out.byte(0xf6);
      return;
    }
    this.#out.head(6, 1);
    this.#out.number(time / 1000);
  }

  #other(value: object | symbol): void {
    // An object may be another one's next time: a call that is given one is like no other.
    if (this.#mode === 'exact') throw unencodable('it is of a type that CBOR does not have');
    if (value instanceof ObjectReference) {
      this.#out.head(6, referenceTag);
      this.#out.text(value.path);
      return;
    }
    const bytes = typeof value === 'object' ? rawBytes(value) : undefined;
    if (bytes === undefined) this.#out.text(textForm(value));
    else this.#out.bytes(bytes);
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** For ASCII the bytewise order: the head grows with the length, and code units are bytes. */
function byLengthThenText(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

function areSorted(names: readonly string[]): boolean {
  let previous: string | undefined;
  for (const name of names) {
    if (previous !== undefined && byLengthThenText(previous, name) > 0) return false;
    previous = name;
  }
  return true;
}
