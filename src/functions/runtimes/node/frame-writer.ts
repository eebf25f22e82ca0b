/** Writes frames: numbers, texts, byte strings and values, as frame.ts says. */
import { InternalError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import { kind, maxDepth, shortText } from './frame.ts';

const initialBytes = 4096;
/** A buffer that once grew beyond this is not kept for the next frame. */
const keptBytes = 65_536;

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

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}
