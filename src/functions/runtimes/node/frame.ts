/**
 * The bytes of a frame between the gateway and a worker thread: numbers, texts, byte strings and whole values, one after the
 * other, without names. Values keep what CBOR does not tell: undefined, a bigint below 2^53, the order
 * of members, a Map whose keys are text, half of a surrogate pair.
 *
 *   value   one byte that says what follows
 *           0 undefined · 1 null · 2 false · 3 true · 4 integer of 32 bits · 5 float · 6 text · 7 bigint, as text
 *           8 bytes · 9 date, as float · 10 array · 11 object · 12 map
 *   text    its code units, one byte each (length ≥ 0) or two bytes each (length < 0, the complement), after a 32-bit length
 *
 * A reader trusts nothing: what is not there, or is not what it should be, is a `BrokenFrame`.
 */
import { InternalError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';

const kind = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  float: 5,
  text: 6,
  bigint: 7,
  bytes: 8,
  date: 9,
  array: 10,
  object: 11,
  map: 12,
} as const;

/** Deeper than any value that is decoded or returned (toPortable): this one has a cycle, or was made to harm. */
const maxDepth = 256;
const initialBytes = 4096;
const keptBytes = 65_536;
/** Longer texts are left to Buffer, whose call costs as much as so many code units. */
const shortText = 48;

/** What cannot have been written by a FrameWriter. */
export class BrokenFrame extends InternalError {
  constructor(why: string) {
    super('broken-frame', `A worker thread and the gateway do not understand each other: ${why}.`);
  }
}

/** Writes one frame after the other into a buffer that it keeps. */
export class FrameWriter {
  #bytes = new Uint8Array(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Of the frame that is being written. */
  get length(): number {
    return this.#at;
  }

  /** Holds the frame in its first `length` bytes, until the next is begun. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  begin(): void {
    this.#at = 0;
    if (this.#bytes.length > keptBytes) this.#replace(new Uint8Array(initialBytes));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  integer(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  float(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  text(text: string): void {
    const { length } = text;
    this.#reserve(4 + 2 * length);
    if (length <= shortText && this.#narrow(text)) return;
    const buffer = Buffer.from(this.#bytes.buffer, this.#at + 4);
    // Only what is one byte a code unit comes back from latin1 as it was.
    if (isLatin1(text)) {
      this.#view.setInt32(this.#at, length, true);
      this.#at += 4 + buffer.write(text, 'latin1');
    } else {
      this.#view.setInt32(this.#at, ~length, true);
      this.#at += 4 + buffer.write(text, 'utf16le');
    }
  }

  data(bytes: Uint8Array): void {
    this.#reserve(4 + bytes.length);
    this.#view.setUint32(this.#at, bytes.length, true);
    this.#bytes.set(bytes, this.#at + 4);
    this.#at += 4 + bytes.length;
  }

  /** What `arguments` wrote. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Their number, and each of them. */
  arguments(args: readonly Value[]): void {
    this.integer(args.length);
    for (let i = 0; i < args.length; i++) this.value(args[i]);
  }

  value(value: Value, depth = 0): void {
    switch (typeof value) {
      case 'undefined':
        this.byte(kind.undefined);
        return;
      case 'boolean':
        this.byte(value ? kind.true : kind.false);
        return;
      case 'number':
        if ((value | 0) === value && !Object.is(value, -0)) {
          this.byte(kind.integer);
          this.integer(value);
        } else {
          this.byte(kind.float);
          this.float(value);
        }
        return;
      case 'string':
        this.byte(kind.text);
        this.text(value);
        return;
      case 'bigint':
        this.byte(kind.bigint);
        this.text(value.toString(16));
        return;
      case 'object':
        if (value === null) this.byte(kind.null);
        else this.#object(value, depth);
        return;
      default:
        throw new InternalError('not-a-value', `A ${typeof value} is not a value that a function can be given.`);
    }
  }

  #object(value: object, depth: number): void {
    if (depth >= maxDepth)
      throw new InternalError('not-a-value', `A value is nested deeper than ${maxDepth} levels, or contains itself.`);
    if (Array.isArray(value)) {
      this.byte(kind.array);
      this.integer(value.length);
      for (const item of value as readonly Value[]) this.value(item, depth + 1);
    } else if (value instanceof Uint8Array) {
      this.byte(kind.bytes);
      this.data(value);
    } else if (value instanceof Date) {
      this.byte(kind.date);
      this.float(value.getTime());
    } else if (value instanceof Map) {
      this.byte(kind.map);
      this.integer(value.size);
      for (const [key, member] of value as ReadonlyMap<Value, Value>) {
        this.value(key, depth + 1);
        this.value(member, depth + 1);
      }
    } else {
      const names = Object.keys(value);
      this.byte(kind.object);
      this.integer(names.length);
      for (const name of names) {
        this.text(name);
        this.value((value as Readonly<Record<string, Value>>)[name], depth + 1);
      }
    }
  }

  /** False, and nothing written, where a code unit takes two bytes. */
  #narrow(text: string): boolean {
    let at = this.#at + 4;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0xff) return false;
      this.#bytes[at++] = unit;
    }
    this.#view.setInt32(this.#at, text.length, true);
    this.#at = at;
    return true;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#replace(grown);
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Reads what a FrameWriter wrote, in the same order. */
export class FrameReader {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  #end = 0;

  constructor(bytes: Uint8Array, length: number = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = length;
  }

  /** Begins anew with the first `length` bytes of the same memory. */
  begin(length: number): void {
    this.#at = 0;
    this.#end = length;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  integer(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  float(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  text(): string {
    const said = this.integer();
    const length = said < 0 ? ~said : said;
    const start = this.#take(said < 0 ? 2 * length : length);
    if (said >= 0 && length <= shortText) {
      let text = '';
      for (let i = start; i < start + length; i++) text += String.fromCharCode(this.#bytes[i] ?? 0);
      return text;
    }
    const { buffer, byteOffset } = this.#bytes;
    return said < 0
      ? Buffer.from(buffer, byteOffset + start, 2 * length).toString('utf16le')
      : Buffer.from(buffer, byteOffset + start, length).toString('latin1');
  }

  /** A copy. */
  data(): Uint8Array {
    const length = this.#view.getUint32(this.#take(4), true);
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** @throws BrokenFrame where something is left over */
  end(): void {
    if (this.#at !== this.#end) throw new BrokenFrame('a frame is longer than what it says');
  }

  arguments(): readonly Value[] {
    const args: Value[] = [];
    for (let left = this.#count(1); left > 0; left--) args.push(this.value());
    return args;
  }

  value(depth = 0): Value {
    if (depth > maxDepth) throw new BrokenFrame(`a value is nested deeper than ${maxDepth} levels`);
    const what = this.byte();
    switch (what) {
      case kind.undefined:
        return undefined;
      case kind.null:
        return null;
      case kind.false:
        return false;
      case kind.true:
        return true;
      case kind.integer:
        return this.integer();
      case kind.float:
        return this.float();
      case kind.text:
        return this.text();
      case kind.bigint:
        return bigintOf(this.text());
      case kind.bytes:
        return this.data();
      case kind.date:
        return new Date(this.float());
      case kind.array:
        return Array.from({ length: this.#count(1) }, () => this.value(depth + 1));
      case kind.object:
        return this.#members(depth);
      case kind.map:
        return new Map(
          Array.from({ length: this.#count(2) }, (): [Value, Value] => [this.value(depth + 1), this.value(depth + 1)]),
        );
      default:
        throw new BrokenFrame(`there is no kind ${what} of value`);
    }
  }

  #members(depth: number): Value {
    const members: Record<string, Value> = {};
    for (let left = this.#count(5); left > 0; left--) {
      const name = this.text();
      const member = this.value(depth + 1);
      // Assigned, it would be the prototype.
      if (name === '__proto__')
        Object.defineProperty(members, name, { value: member, writable: true, enumerable: true, configurable: true });
      else members[name] = member;
    }
    return members;
  }

  /** More than the rest of the frame can hold is refused before anything is made for it. */
  #count(bytesEach: number): number {
    const count = this.integer();
    if (count < 0 || count * bytesEach > this.#end - this.#at)
      throw new BrokenFrame(`${count} items are said to follow in ${this.#end - this.#at} bytes`);
    return count;
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw new BrokenFrame('a frame ends too early');
    this.#at = start + length;
    return start;
  }
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

function bigintOf(text: string): bigint {
  const [, sign = '', digits] = /^(-?)([0-9a-f]+)$/.exec(text) ?? [];
  if (digits === undefined) throw new BrokenFrame('an integer has no digits');
  const magnitude = BigInt(`0x${digits}`);
  return sign === '' ? magnitude : -magnitude;
}
