/**
 * JSON from a peer -> Value (RFC 8259), as strict as the CBOR decoder: UTF-8, duplicate names (RFC 8259 §4 leaves them open,
 * JSON.parse keeps the last), depth and number of items are checked, and `__proto__` is a name like any other.
 *
 * Numbers: an integer without fraction and exponent that a number cannot hold exactly is a bigint, as in CBOR. Any other number
 * is the nearest double, as everywhere in JavaScript; one that overflows to infinity is refused.
 */
import { textOf } from '../core/bytes.ts';
import { PeerError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { defaultDecodeLimits, type DecodeLimits } from './limits.ts';

const numeral = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const space = /[ \t\n\r]*/y;
const digitsPerByte: number = Math.log10(256);
const hexDigits = /^[0-9a-fA-F]{4}$/;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  'b': '\b',
  'f': '\f',
  'n': '\n',
  'r': '\r',
  't': '\t',
};

/** Throws a `PeerError` (`malformed-body`) whose message names the byte at fault. */
export function decodeJson(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits): Value {
  const text = textOf(bytes);
  if (text === undefined)
    throw new PeerError('malformed-body', 'The JSON body is not valid UTF-8; encode it as UTF-8.');
  const reader = new JsonReader(text, limits);
  const value = reader.item(0);
  reader.end();
  return value;
}

class JsonReader {
  readonly #text: string;
  readonly #limits: DecodeLimits;
  #at = 0;
  #items = 0;

  constructor(text: string, limits: DecodeLimits) {
    this.#text = text;
    this.#limits = limits;
    this.#skipSpace();
  }

  end(): void {
    if (this.#at < this.#text.length)
      throw this.#refused('the value ends here but more follows; send exactly one value');
  }

  item(depth: number): Value {
    if (++this.#items > this.#limits.maxItems)
      throw this.#refused(`it has more than ${this.#limits.maxItems} items; send less at a time`);
    const value = this.#value(depth);
    this.#skipSpace();
    return value;
  }

  #value(depth: number): Value {
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        throw this.#refused('the input ends where a value should begin');
      default:
        return this.#number();
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#refused('there is no value that begins like this');
    this.#at += word.length;
    return value;
  }

  #number(): number | bigint {
    numeral.lastIndex = this.#at;
    const match = numeral.exec(this.#text);
    if (match === null) throw this.#refused('there is no value that begins like this');
    const [digits, fraction, exponent] = match;
    const value = Number(digits);
    if (fraction === undefined && exponent === undefined && !Number.isSafeInteger(value)) return this.#bigint(digits);
    if (!Number.isFinite(value)) throw this.#refused('a number is too large; send it as text');
    this.#at += digits.length;
    return value;
  }

  #bigint(digits: string): bigint {
    if (digits.length > this.#limits.maxBignumBytes * digitsPerByte)
      throw this.#refused('a number has too many digits');
    this.#at += digits.length;
    return BigInt(digits);
  }

  #string(): string {
    const start = ++this.#at;
    let text = '';
    let from = start;
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === 0x22) break;
      if (Number.isNaN(unit)) throw this.#refused('the input ends inside a string');
      if (unit < 0x20) throw this.#refused('a control character in a string must be escaped');
      if (unit !== 0x5c) {
        this.#at++;
        continue;
      }
      text += this.#text.slice(from, this.#at) + this.#escape();
      from = this.#at;
    }
    text += this.#text.slice(from, this.#at);
    // `\ud800` alone is no character: no UTF-8 and so no CBOR could say it.
    if (!text.isWellFormed()) throw this.#refused('a string has an escape that is half a character');
    this.#at++;
    return text;
  }

  #escape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!hexDigits.test(digits)) throw this.#refused('\\u must be followed by four hexadecimal digits');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (character === undefined) throw this.#refused('there is no such escape');
    this.#at += 2;
    return character;
  }

  #array(depth: number): Value[] {
    this.#open(depth);
    const items: Value[] = [];
    if (this.#closes(']')) return items;
    for (;;) {
      items.push(this.item(depth + 1));
      if (this.#closes(']')) return items;
      this.#expect(',');
    }
  }

  #object(depth: number): Value {
    this.#open(depth);
    const members = new Map<string, Value>();
    if (!this.#closes('}')) {
      for (;;) {
        if (this.#text[this.#at] !== '"') throw this.#refused('a name in double quotes should stand here');
        const start = this.#at;
        const name = this.#string();
        if (members.has(name)) {
          this.#at = start;
          throw this.#refused('an object has the same name twice');
        }
        this.#skipSpace();
        this.#expect(':');
        members.set(name, this.item(depth + 1));
        if (this.#closes('}')) break;
        this.#expect(',');
      }
    }
    // fromEntries defines own properties: `__proto__` too.
    return Object.fromEntries(members);
  }

  #open(depth: number): void {
    if (depth >= this.#limits.maxDepth)
      throw this.#refused(`it is nested deeper than ${this.#limits.maxDepth} levels; send flatter data`);
    this.#at++;
    this.#skipSpace();
  }

  #closes(bracket: string): boolean {
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (this.#text[this.#at] !== mark) throw this.#refused(`"${mark}" should stand here`);
    this.#at++;
    this.#skipSpace();
  }

  #skipSpace(): void {
    if (this.#text.charCodeAt(this.#at) > 0x20) return;
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
  }

  #refused(why: string): PeerError {
    const byte = new TextEncoder().encode(this.#text.slice(0, this.#at)).length;
    return new PeerError('malformed-body', `The JSON body is refused at byte ${byte}: ${why}.`);
  }
}
