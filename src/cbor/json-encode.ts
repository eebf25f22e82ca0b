/**
 * Value -> JSON (RFC 8259), following RFC 8949 §6.1: bytes are base64url, bigint is decimal text, a Date is RFC 3339 in
 * UTC, numbers that JSON has no digits for (NaN, Infinity) are null, undefined members are left out. Keys of a Map that are
 * not text become the text of their JSON. Members keep their order: JSON is for people, CBOR is for comparing.
 */
import type { Value } from '../core/value.ts';
import { toBase64Url } from './base64url.ts';
import { Ancestors, hasToJson, isIterable, isPlainObject, rawBytes, textForm, unencodable } from './carried-form.ts';
import { maxEncodedBytes } from './writer.ts';

/** Throws a `UsageError` (`unencodable-value`) for cycles, excessive depth or size, and keys that would collide. */
export function encodeJson(value: Value): string {
  const writer = new JsonWriter(new Ancestors());
  writer.item(value);
  return writer.text;
}

class JsonWriter {
  text = '';
  readonly #ancestors: Ancestors;

  constructor(ancestors: Ancestors) {
    this.#ancestors = ancestors;
  }

  item(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.text += Number.isFinite(value) ? numeral(value) : 'null';
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        this.text += value ? 'true' : 'false';
        return;
      case 'undefined':
        this.text += 'null';
        return;
      case 'bigint':
        this.text += `"${value}"`;
        return;
      case 'object':
        if (value === null) this.text += 'null';
        else this.#object(value);
        return;
      case 'function':
      case 'symbol':
        this.#string(textForm(value));
    }
  }

  #string(text: string): void {
    // A lone surrogate would be escaped, which UTF-8 and CBOR cannot say: U+FFFD in both.
    this.text += JSON.stringify(text.toWellFormed());
    if (this.text.length > maxEncodedBytes)
      throw unencodable(`it takes more than ${maxEncodedBytes} bytes; return it in pieces`);
  }

  #object(value: object): void {
    if (value instanceof Uint8Array) {
      this.text += `"${toBase64Url(value)}"`;
    } else if (value instanceof Date) {
      this.text += Number.isNaN(value.getTime()) ? 'null' : `"${value.toISOString()}"`;
    } else {
      this.#ancestors.enter(value);
      this.#container(value);
      this.#ancestors.leave();
    }
  }

  #container(value: object): void {
    if (Array.isArray(value)) {
      this.#rows(value);
    } else if (value instanceof Map) {
      this.#members(value.entries());
    } else if (hasToJson(value)) {
      this.item(value.toJSON(''));
    } else if (isIterable(value)) {
      this.#rows(value);
    } else if (isPlainObject(value)) {
      this.#properties(value);
    } else {
      const bytes = rawBytes(value);
      if (bytes === undefined) this.#string(textForm(value));
      else this.item(bytes);
    }
  }

  #rows(rows: Iterable<unknown>): void {
    this.text += '[';
    let separator = '';
    for (const row of rows) {
      this.text += separator;
      this.item(row);
      separator = ',';
      if (this.text.length > maxEncodedBytes)
        throw unencodable(`it takes more than ${maxEncodedBytes} bytes; return it in pieces`);
    }
    this.text += ']';
  }

  #properties(value: Readonly<Record<string, unknown>>): void {
    this.text += '{';
    let separator = '';
    for (const name of Object.keys(value)) {
      const member = value[name];
      if (member === undefined) continue;
      this.text += separator;
      this.#string(name);
      this.text += ':';
      this.item(member);
      separator = ',';
    }
    this.text += '}';
  }

  #members(entries: Iterable<[unknown, unknown]>): void {
    const seen = new Set<string>();
    this.text += '{';
    let separator = '';
    for (const [key, member] of entries) {
      if (member === undefined) continue;
      const name = memberName(key, this.#ancestors);
      if (seen.has(name)) throw unencodable(`in JSON two keys of a map are both "${name}"; ask for CBOR`);
      seen.add(name);
      this.text += separator;
      this.#string(name);
      this.text += ':';
      this.item(member);
      separator = ',';
    }
    this.text += '}';
  }
}

function numeral(value: number): string {
  // JSON.stringify says 0 for -0, though JSON can say -0.
  if (Object.is(value, -0)) return '-0';
  const digits = String(value);
  // Without the fraction it would be read as an exact integer, a bigint.
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !digits.includes('e') ? `${digits}.0` : digits;
}

/** RFC 8949 §6.1: texts as they are; of anything else its JSON, without the quotes where it is a string. */
function memberName(key: unknown, ancestors: Ancestors): string {
  if (typeof key === 'string') return key.toWellFormed();
  const writer = new JsonWriter(ancestors);
  writer.item(key);
  const text = writer.text;
  return text.startsWith('"') ? text.slice(1, -1) : text;
}
