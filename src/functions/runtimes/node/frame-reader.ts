/** Reads frames, as frame.ts says, and believes nothing that stands in them. */
import type { Value } from '../../../core/value.ts';
import { ObjectReference } from '../../../core/object-reference.ts';
import { BrokenFrame, kind, maxDepth, shortText } from './frame.ts';

/** What stands in the place of a reference. */
export type FromReference = (id: string, classes: readonly string[]) => Value;

/** Reads what a FrameWriter wrote, in the same order. */
export class FrameReader {
  readonly #fromReference: FromReference;
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  #end = 0;

  constructor(bytes: Uint8Array, length: number = bytes.length, fromReference: FromReference = asPath) {
    this.#fromReference = fromReference;
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
      case kind.reference:
        return this.#fromReference(this.text(), this.#texts());
      default:
        throw new BrokenFrame(`there is no kind ${what} of value`);
    }
  }

  #texts(): readonly string[] {
    return Array.from({ length: this.#count(4) }, () => this.text());
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

const asPath: FromReference = (id) => new ObjectReference(id).path;

function bigintOf(text: string): bigint {
  const [, sign = '', digits] = /^(-?)([0-9a-f]+)$/.exec(text) ?? [];
  if (digits === undefined) throw new BrokenFrame('an integer has no digits');
  const magnitude = BigInt(`0x${digits}`);
  return sign === '' ? magnitude : -magnitude;
}
