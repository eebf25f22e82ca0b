/**
 * Messages as lines for people: what a message says, and what each of its bytes means.
 * Everything that came from a peer is escaped, so that it cannot drive a terminal, and cut where
 * it is long. Block2 is written NUM/M/SIZE as RFC 7959 §2.2 does.
 */
import { hex, textOf } from '../../core/bytes.ts';
import { codeName, dotted } from './codes.ts';
import type { Message } from './message.ts';
import { decodeUint, findUint, isCritical, optionDefinitions, optionNumber, type Option } from './options.ts';
import { decodeMessage, isMalformed } from './rfc7252.ts';

export interface RenderOptions {
  /** How many bytes of the payload are shown. */
  readonly maxPayloadBytes: number;
}

const defaultRenderOptions: RenderOptions = { maxPayloadBytes: 1024 };

/** Some bytes of a datagram and what they mean. */
export interface Field {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly meaning: string;
}

const typeNames = ['CON', 'NON', 'ACK', 'RST'] as const;

/** The registered Content-Formats that a gateway's peers are likely to use (RFC 7252 §12.3 and others). */
const formatNames: ReadonlyMap<number, string> = new Map([
  [0, 'text/plain'],
  [40, 'application/link-format'],
  [41, 'application/xml'],
  [42, 'application/octet-stream'],
  [47, 'application/exi'],
  [50, 'application/json'],
  [60, 'application/cbor'],
  [61, 'application/cwt'],
  [62, 'application/multipart-core'],
  [63, 'application/cbor-seq'],
  [110, 'application/senml+json'],
  [112, 'application/senml+cbor'],
  [257, 'application/concise-problem-details+cbor'],
  [11542, 'application/vnd.oma.lwm2m+tlv'],
]);

/** Content-Formats whose payload is text. Without one, a payload that is printable text is shown as text. */
const textFormats: ReadonlySet<number | undefined> = new Set([undefined, 0, 40, 41, 50, 110]);

/** `CON 0.05 FETCH, MID 4660, token 01020304`. */
function renderHeader(message: Message): string {
  const token = message.token.length === 0 ? 'no token' : `token ${shortHex(message.token)}`;
  return `${typeNames[message.type]} ${codeText(message.code)}, MID ${message.messageId}, ${token}`;
}

/**
 * A message as lines: the header, an indented line for each option, then the payload as text or
 * as hexadecimal.
 */
export function renderMessage(message: Message, options: RenderOptions = defaultRenderOptions): string[] {
  const lines = [renderHeader(message)];
  for (const option of message.options) {
    lines.push(`  ${optionName(option.number)}: ${optionValue(option)}`);
  }
  if (message.payload.length > 0) {
    lines.push(`  Payload: ${byteCount(message.payload.length)}`);
    for (const line of payloadLines(message, options.maxPayloadBytes)) lines.push(`    ${line}`);
  }
  return lines;
}

/** A datagram as lines: each of its fields with offset, bytes and meaning. */
export function renderBytes(bytes: Uint8Array, options: RenderOptions = defaultRenderOptions): string[] {
  const lines: string[] = [];
  for (const field of fieldsOf(bytes)) {
    const shown = field.bytes.subarray(0, options.maxPayloadBytes);
    for (let at = 0; at === 0 || at < shown.length; at += bytesPerLine) {
      const offset = (field.offset + at).toString(16).padStart(4, '0');
      const digits = spacedHex(shown.subarray(at, at + bytesPerLine));
      const meaning = at === 0 ? field.meaning : '';
      lines.push(`${offset}  ${digits.padEnd(bytesPerLine * 3 - 1)}  ${meaning}`.trimEnd());
    }
    if (field.bytes.length > shown.length) {
      lines.push(`      … ${byteCount(field.bytes.length - shown.length)} more`);
    }
  }
  return lines;
}

const bytesPerLine = 8;

/** The fields of a datagram in order; together they are all of its bytes. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const message = decodeMessage(bytes);
  const fields: Field[] = [];
  let offset = 0;
  const take = (length: number, meaning: string): void => {
    if (length > 0) fields.push({ offset, bytes: bytes.subarray(offset, offset + length), meaning });
    offset += length;
  };
  if (isMalformed(message)) {
    if (message.type !== undefined) {
      take(1, `version 1, ${typeNames[message.type]}, token length ${(bytes[0] ?? 0) & 15}`);
      take(1, `code ${codeText(bytes[1] ?? 0)}`);
      take(2, `Message ID ${message.messageId}`);
    }
    take(bytes.length - offset, 'not understood');
    fields.push({ offset, bytes: bytes.subarray(offset), meaning: message.malformed });
    return fields;
  }

  // One number has one encoding only, so the sizes of the headers follow from the decoded values.
  take(1, `version 1, ${typeNames[message.type]}, token length ${(bytes[0] ?? 0) & 15}`);
  take(1, `code ${codeText(message.code)}`);
  take(2, `Message ID ${message.messageId}`);
  take(extensionSize(message.token.length), `token length ${message.token.length} (RFC 8974)`);
  take(message.token.length, 'token');
  let previous = 0;
  for (const option of message.options) {
    const delta = option.number - previous;
    const length = option.value.length;
    const head = `delta ${delta}, length ${length}: ${optionName(option.number)}`;
    take(1 + extensionSize(delta) + extensionSize(length), head);
    take(length, optionValue(option));
    previous = option.number;
  }
  if (message.payload.length > 0) {
    take(1, 'payload marker');
    take(message.payload.length, `payload, ${byteCount(message.payload.length)}`);
  }
  return fields;
}

const extensionSize = (n: number): number => (n < 13 ? 0 : n < 269 ? 1 : 2);

const codeText = (code: number): string => `${dotted(code)} ${codeName(code) ?? '(not registered)'}`;

function optionName(number: number): string {
  const name = optionDefinitions.get(number)?.name;
  return name ?? `Option ${number} (${isCritical(number) ? 'critical' : 'elective'}, not understood)`;
}

function optionValue(option: Option): string {
  const definition = optionDefinitions.get(option.number);
  const { value } = option;
  if (!definition) return shortHex(value);
  if (value.length < definition.minLength || value.length > definition.maxLength) {
    const { minLength, maxLength } = definition;
    return `${shortHex(value)} (${byteCount(value.length)}, must be ${minLength} to ${maxLength})`;
  }
  switch (definition.format) {
    case 'empty':
      return 'present';
    case 'opaque':
      return shortHex(value);
    case 'string':
      return stringValue(value);
    case 'uint':
      return uintValue(option.number, decodeUint(value));
  }
}

function stringValue(value: Uint8Array): string {
  const text = textOf(value);
  return text === undefined ? `${shortHex(value)} (not UTF-8)` : escaped(JSON.stringify(text));
}

function uintValue(number: number, n: number): string {
  switch (number) {
    case optionNumber.contentFormat:
    case optionNumber.accept:
      return `${n} ${formatNames.get(n) ?? '(not registered here)'}`;
    case optionNumber.block1:
    case optionNumber.block2:
      return blockValue(n);
    case optionNumber.maxAge:
      return `${n} s`;
    case optionNumber.noResponse:
      return noResponseValue(n);
    default:
      return String(n);
  }
}

/** RFC 7959 §2.2: NUM/M/SIZE; SZX 7 is reserved. */
function blockValue(n: number): string {
  const szx = n & 7;
  const size = szx === 7 ? 'reserved' : String(16 << szx);
  return `${Math.floor(n / 16)}/${(n >> 3) & 1}/${size} (NUM/M/SIZE)`;
}

/** RFC 7967 §2.1: a bit for each class that is not wanted. */
function noResponseValue(n: number): string {
  const classes = [2, 4, 5].filter((cls) => (n & (1 << (cls - 1))) !== 0);
  return classes.length === 0
    ? `${n} every response is wanted`
    : `${n} no ${classes.map((cls) => `${cls}.xx`).join(', ')}`;
}

function payloadLines(message: Message, maxBytes: number): string[] {
  const { payload } = message;
  const shown = payload.subarray(0, maxBytes);
  const format = findUint(message.options, optionNumber.contentFormat);
  const text = textFormats.has(format) ? printable(payload, maxBytes) : undefined;
  const lines = text === undefined ? hexLines(shown) : text.split(/\r\n|\n/u);
  if (payload.length > maxBytes) lines.push(`… ${byteCount(payload.length - shown.length)} more`);
  return lines;
}

/** Text that is safe to print: nothing that moves a cursor or turns the writing direction. */
function printable(bytes: Uint8Array, maxBytes: number): string | undefined {
  let end = Math.min(bytes.length, maxBytes);
  // A character is never cut in two: bytes 10xxxxxx continue one.
  while (end < bytes.length && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const text = textOf(bytes.subarray(0, end));
  return text === undefined || unsafe.test(text) ? undefined : text;
}

const unsafe = /(?![\t\n]|\r\n)[\p{Cc}\p{Bidi_Control}]/u;

/** As in JSON, also where JSON lets a character through that a terminal obeys. */
const escaped = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) lines.push(spacedHex(bytes.subarray(at, at + 16)));
  return lines;
}

const spacedHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => hex(Uint8Array.of(byte))).join(' ');

/** Tokens and opaque options are short; what is not is cut. */
const shortHex = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? '(empty)'
    : bytes.length <= 64
      ? hex(bytes)
      : `${hex(bytes.subarray(0, 64))}… (${byteCount(bytes.length)})`;

const byteCount = (n: number): string => (n === 1 ? '1 byte' : `${n} bytes`);
