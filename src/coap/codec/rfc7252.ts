/**
 * Bytes ⇄ Message: the message format of RFC 7252 §3 over UDP and DTLS, with the extended tokens
 * of RFC 8974 §2. https://www.rfc-editor.org/rfc/rfc7252#section-3
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |Ver| T |  TKL  |      Code     |          Message ID           |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |   TKL, extended (0, 1 or 2 bytes), then the Token ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |   Options (if any) ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |1 1 1 1 1 1 1 1|    Payload (if any) ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *     an option: | delta 4 | length 4 | delta, extended 0-2 bytes | length, extended 0-2 bytes | value |
 *     a nibble:  0-12 itself · 13 one byte follows, + 13 · 14 two bytes follow, + 269 · 15 reserved
 *
 * Left out: what options mean and how long they may be (options.ts), and framing over TCP (RFC 8323).
 */
import { emptyBytes } from '../../core/bytes.ts';
import { InternalError } from '../../core/error.ts';
import { emptyCode } from './codes.ts';
import type { Message, MessageType } from './message.ts';
import type { Option } from './options.ts';

/**
 * A datagram with a message format error (RFC 7252 §4.2, §4.3), with what is needed to reject it.
 * `type` and `messageId` are undefined where not even a header of version 1 is there: such a
 * datagram is ignored in silence (RFC 7252 §3).
 */
export interface MalformedMessage {
  /** What is wrong, for people. */
  readonly malformed: string;
  readonly type: MessageType | undefined;
  readonly messageId: number | undefined;
}

export const isMalformed = (decoded: Message | MalformedMessage): decoded is MalformedMessage => 'malformed' in decoded;

const headerLength = 4;
const payloadMarker = 0xff;
const oneByteFollows = 13;
const twoBytesFollow = 14;
const oneByteBase = 13;
const twoByteBase = 269;
const maxOptionNumber = 0xffff;
/** What 4 bits and two more bytes can say, for tokens and option values alike. */
const maxLength: number = twoByteBase + 0xffff;

/**
 * The message in a datagram. Never throws and never reads past the end. Token, option values and
 * payload are views of `bytes`: copy them where they must outlive it.
 */
export function decodeMessage(bytes: Uint8Array): Message | MalformedMessage {
  const end = bytes.length;
  if (end < headerLength) {
    return malformed('The datagram is shorter than the 4 bytes of a header', undefined, undefined);
  }
  const first = bytes[0] ?? 0;
  if (first >> 6 !== 1) {
    return malformed('The version is not 1', undefined, undefined);
  }
  const type = ((first >> 4) & 3) as MessageType;
  const code = bytes[1] ?? 0;
  const messageId = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (code === emptyCode) {
    // RFC 7252 §4.1: a token length of 0 and not a byte more.
    if (end > headerLength || (first & 15) !== 0) {
      return malformed('An Empty message goes on after its Message ID', type, messageId);
    }
    return { type, code, messageId, token: emptyBytes, options: [], payload: emptyBytes };
  }

  let at = headerLength;
  let tokenLength = first & 15;
  if (tokenLength >= oneByteFollows) {
    // RFC 8974 §2.1
    if (tokenLength === oneByteFollows) {
      if (at >= end) return malformed('The token length is cut off', type, messageId);
      tokenLength = oneByteBase + (bytes[at] ?? 0);
      at += 1;
    } else if (tokenLength === twoBytesFollow) {
      if (at + 1 >= end) return malformed('The token length is cut off', type, messageId);
      tokenLength = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
      at += 2;
    } else {
      return malformed('The token length 15 is reserved', type, messageId);
    }
  }
  if (tokenLength > end - at) return malformed('The token is cut off', type, messageId);
  const token = tokenLength === 0 ? emptyBytes : view(bytes, at, tokenLength);
  at += tokenLength;

  const options: Option[] = [];
  let payload = emptyBytes;
  let number = 0;
  while (at < end) {
    const head = bytes[at] ?? 0;
    at += 1;
    if (head === payloadMarker) {
      // RFC 7252 §3: a marker followed by nothing is a format error.
      if (at === end) return malformed('The payload marker is followed by nothing', type, messageId);
      payload = view(bytes, at, end - at);
      break;
    }
    let delta = head >> 4;
    if (delta >= oneByteFollows) {
      if (delta === oneByteFollows) {
        if (at >= end) return malformed('An option delta is cut off', type, messageId);
        delta = oneByteBase + (bytes[at] ?? 0);
        at += 1;
      } else if (delta === twoBytesFollow) {
        if (at + 1 >= end) return malformed('An option delta is cut off', type, messageId);
        delta = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
        at += 2;
      } else {
        return malformed('The option delta 15 is reserved', type, messageId);
      }
    }
    let length = head & 15;
    if (length >= oneByteFollows) {
      if (length === oneByteFollows) {
        if (at >= end) return malformed('An option length is cut off', type, messageId);
        length = oneByteBase + (bytes[at] ?? 0);
        at += 1;
      } else if (length === twoBytesFollow) {
        if (at + 1 >= end) return malformed('An option length is cut off', type, messageId);
        length = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
        at += 2;
      } else {
        return malformed('The option length 15 is reserved', type, messageId);
      }
    }
    number += delta;
    // RFC 7252 §12.2: option numbers end at 65535.
    if (number > maxOptionNumber) return malformed('An option number is above 65535', type, messageId);
    if (length > end - at) return malformed('An option value is cut off', type, messageId);
    options.push({ number, value: length === 0 ? emptyBytes : view(bytes, at, length) });
    at += length;
  }
  return { type, code, messageId, token, options, payload };
}

function malformed(reason: string, type: MessageType | undefined, messageId: number | undefined): MalformedMessage {
  return { malformed: reason, type, messageId };
}

/** Not `subarray`: on a Buffer that makes a Buffer, and it is slower. */
function view(bytes: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}

/**
 * The datagram of a message: one pass to size it, one to write it.
 *
 * @throws InternalError `bad-message` for a message that the format cannot carry: options that do
 * not ascend, a number that does not fit its field, an Empty message that is not empty.
 */
export function encodeMessage(message: Message): Uint8Array {
  const { type, code, messageId, token, options, payload } = message;
  if (!fits(messageId, 0xffff) || !fits(code, 0xff) || token.length > maxLength) {
    throw new InternalError('bad-message', 'The code, Message ID or token does not fit its field');
  }
  if (code === emptyCode && (token.length > 0 || options.length > 0 || payload.length > 0)) {
    // RFC 7252 §4.1
    throw new InternalError('bad-message', 'An Empty message has no token, no options and no payload');
  }

  let size = headerLength + extensionSize(token.length) + token.length;
  let previous = 0;
  for (const option of options) {
    const length = option.value.length;
    const delta = option.number - previous;
    if (!(delta >= 0) || !fits(option.number, maxOptionNumber) || length > maxLength) {
      throw new InternalError(
        'bad-message',
        `Option ${option.number} after ${previous} with ${length} bytes: numbers ascend to 65535, values have at most ${maxLength} bytes`,
      );
    }
    size += 1 + extensionSize(delta) + extensionSize(length) + length;
    previous = option.number;
  }
  if (payload.length > 0) size += 1 + payload.length;

  const bytes = new Uint8Array(size);
  bytes[0] = 0x40 | (type << 4) | nibble(token.length);
  bytes[1] = code;
  bytes[2] = messageId >> 8;
  bytes[3] = messageId;
  let at = writeExtension(bytes, headerLength, token.length);
  at = writeBytes(bytes, at, token);
  previous = 0;
  for (const option of options) {
    const length = option.value.length;
    const delta = option.number - previous;
    bytes[at] = (nibble(delta) << 4) | nibble(length);
    at = writeExtension(bytes, at + 1, delta);
    at = writeExtension(bytes, at, length);
    at = writeBytes(bytes, at, option.value);
    previous = option.number;
  }
  if (payload.length > 0) {
    bytes[at] = payloadMarker;
    bytes.set(payload, at + 1);
  }
  return bytes;
}

const fits = (n: number, max: number): boolean => Number.isInteger(n) && n >= 0 && n <= max;

const extensionSize = (n: number): number => (n < oneByteBase ? 0 : n < twoByteBase ? 1 : 2);

const nibble = (n: number): number => (n < oneByteBase ? n : n < twoByteBase ? oneByteFollows : twoBytesFollow);

function writeExtension(bytes: Uint8Array, at: number, n: number): number {
  if (n < oneByteBase) return at;
  if (n < twoByteBase) {
    bytes[at] = n - oneByteBase;
    return at + 1;
  }
  bytes[at] = (n - twoByteBase) >> 8;
  bytes[at + 1] = n - twoByteBase;
  return at + 2;
}

/** Tokens and option values are short: a loop beats the call of `set`. */
function writeBytes(bytes: Uint8Array, at: number, value: Uint8Array): number {
  const length = value.length;
  if (length > 32) bytes.set(value, at);
  else for (let i = 0; i < length; i++) bytes[at + i] = value[i] ?? 0;
  return at + length;
}
