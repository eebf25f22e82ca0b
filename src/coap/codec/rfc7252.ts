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
import { messageType, type Message, type MessageType } from './message.ts';
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
 * The head of a message, up to the end of its token: what differs between two requests that ask for the same.
 * Filled anew for each datagram, so that reading it makes no object.
 */
export class MessageHead {
  type: MessageType = messageType.CON;
  code = 0;
  messageId = 0;
  /** Where the token begins, and where it ends and the options begin. */
  tokenAt = 0;
  contentAt = 0;
  /** There is a header of version 1; without one nothing but `fault` is set. */
  hasHeader = false;

  /** What is wrong, for people; undefined where nothing is. */
  read(bytes: Uint8Array): string | undefined {
    const end = bytes.length;
    this.hasHeader = false;
    if (end < headerLength) return 'The datagram is shorter than the 4 bytes of a header';
    const first = bytes[0] ?? 0;
    if (first >> 6 !== 1) return 'The version is not 1';
    this.hasHeader = true;
    this.type = ((first >> 4) & 3) as MessageType;
    this.code = bytes[1] ?? 0;
    this.messageId = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    this.tokenAt = headerLength;
    this.contentAt = headerLength;
    let tokenLength = first & 15;
    if (this.code === emptyCode) {
      // RFC 7252 §4.1: a token length of 0 and not a byte more.
      return end > headerLength || tokenLength !== 0 ? 'An Empty message goes on after its Message ID' : undefined;
    }
    if (tokenLength >= oneByteFollows) {
      // RFC 8974 §2.1
      if (tokenLength === oneByteFollows) {
        if (end < headerLength + 1) return 'The token length is cut off';
        tokenLength = oneByteBase + (bytes[headerLength] ?? 0);
        this.tokenAt += 1;
      } else if (tokenLength === twoBytesFollow) {
        if (end < headerLength + 2) return 'The token length is cut off';
        tokenLength = twoByteBase + (((bytes[headerLength] ?? 0) << 8) | (bytes[headerLength + 1] ?? 0));
        this.tokenAt += 2;
      } else {
        return 'The token length 15 is reserved';
      }
    }
    if (tokenLength > end - this.tokenAt) return 'The token is cut off';
    this.contentAt = this.tokenAt + tokenLength;
    return undefined;
  }
}

/** What a message says: all that follows its token. */
export type MessageContent = Pick<Message, 'options' | 'payload'>;

/** Where the payload marker is after options that begin at `from`: the end where there is none, -1 where an option is malformed. */
export function findPayloadMarker(bytes: Uint8Array, from: number): number {
  const end = bytes.length;
  let at = from;
  while (at < end) {
    const head = bytes[at] ?? 0;
    if (head === payloadMarker) return at;
    const delta = head >> 4;
    let length = head & 15;
    if (delta > twoBytesFollow || length > twoBytesFollow) return -1;
    at += delta === oneByteFollows ? 2 : delta === twoBytesFollow ? 3 : 1;
    if (length === oneByteFollows) {
      length = oneByteBase + (bytes[at] ?? 0);
      at += 1;
    } else if (length === twoBytesFollow) {
      length = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
      at += 2;
    }
    at += length;
  }
  return at === end ? end : -1;
}

/** What `bytes` say from `at` on, or what is wrong, for people. Values and payload are views. */
export function decodeContent(bytes: Uint8Array, from: number): MessageContent | string {
  const end = bytes.length;
  let at = from;
  const options: Option[] = [];
  let payload = emptyBytes;
  let number = 0;
  while (at < end) {
    const head = bytes[at] ?? 0;
    at += 1;
    if (head === payloadMarker) {
      // RFC 7252 §3: a marker followed by nothing is a format error.
      if (at === end) return 'The payload marker is followed by nothing';
      payload = view(bytes, at, end - at);
      break;
    }
    let delta = head >> 4;
    if (delta >= oneByteFollows) {
      if (delta === oneByteFollows) {
        if (at >= end) return 'An option delta is cut off';
        delta = oneByteBase + (bytes[at] ?? 0);
        at += 1;
      } else if (delta === twoBytesFollow) {
        if (at + 1 >= end) return 'An option delta is cut off';
        delta = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
        at += 2;
      } else {
        return 'The option delta 15 is reserved';
      }
    }
    let length = head & 15;
    if (length >= oneByteFollows) {
      if (length === oneByteFollows) {
        if (at >= end) return 'An option length is cut off';
        length = oneByteBase + (bytes[at] ?? 0);
        at += 1;
      } else if (length === twoBytesFollow) {
        if (at + 1 >= end) return 'An option length is cut off';
        length = twoByteBase + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
        at += 2;
      } else {
        return 'The option length 15 is reserved';
      }
    }
    number += delta;
    // RFC 7252 §12.2: option numbers end at 65535.
    if (number > maxOptionNumber) return 'An option number is above 65535';
    if (length > end - at) return 'An option value is cut off';
    options.push({ number, value: length === 0 ? emptyBytes : view(bytes, at, length) });
    at += length;
  }
  return { options, payload };
}

/**
 * The message in a datagram. Never throws and never reads past the end. Token, option values and
 * payload are views of `bytes`: copy them where they must outlive it.
 */
export function decodeMessage(bytes: Uint8Array): Message | MalformedMessage {
  const head = new MessageHead();
  const fault = head.read(bytes);
  if (fault !== undefined) return malformed(fault, head);
  const content = decodeContent(bytes, head.contentAt);
  if (typeof content === 'string') return malformed(content, head);
  const { type, code, messageId, tokenAt, contentAt } = head;
  const token = contentAt === tokenAt ? emptyBytes : view(bytes, tokenAt, contentAt - tokenAt);
  return { type, code, messageId, token, options: content.options, payload: content.payload };
}

function malformed(reason: string, { hasHeader, type, messageId }: MessageHead): MalformedMessage {
  return { malformed: reason, type: hasHeader ? type : undefined, messageId: hasHeader ? messageId : undefined };
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
  if (code === emptyCode && (token.length > 0 || options.length > 0 || payload.length > 0)) {
    // RFC 7252 §4.1
    throw new InternalError('bad-message', 'An Empty message has no token, no options and no payload');
  }
  const head = headLength(token.length);
  const bytes = new Uint8Array(head + contentLength(message));
  writeHead(bytes, type, code, messageId, token, 0, token.length);
  writeContent(bytes, head, message);
  return bytes;
}

/** Options and payload as they stand in a datagram, for a response that is given again and again. */
export function encodeContent(content: MessageContent): Uint8Array {
  const bytes = new Uint8Array(contentLength(content));
  writeContent(bytes, 0, content);
  return bytes;
}

/** Bytes of header and token. */
export const headLength = (tokenLength: number): number => headerLength + extensionSize(tokenLength) + tokenLength;

/** Writes header and token, the latter from its place in the request. Throws as `encodeMessage`. */
export function writeHead(
  into: Uint8Array,
  type: MessageType,
  code: number,
  messageId: number,
  source: Uint8Array,
  tokenAt: number,
  tokenLength: number,
): void {
  if (!fits(messageId, 0xffff) || !fits(code, 0xff) || tokenLength > maxLength) {
    throw new InternalError('bad-message', 'The code, Message ID or token does not fit its field');
  }
  into[0] = 0x40 | (type << 4) | nibble(tokenLength);
  into[1] = code;
  into[2] = messageId >> 8;
  into[3] = messageId;
  const at = writeExtension(into, headerLength, tokenLength);
  for (let i = 0; i < tokenLength; i++) into[at + i] = source[tokenAt + i] ?? 0;
}

/** Bytes of options and payload. Throws as `encodeMessage`. */
export function contentLength({ options, payload }: MessageContent): number {
  let size = payload.length > 0 ? 1 + payload.length : 0;
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
  return size;
}

/** Writes options and payload, whose length `contentLength` has told. */
export function writeContent(into: Uint8Array, from: number, { options, payload }: MessageContent): void {
  let at = from;
  let previous = 0;
  for (const option of options) {
    const length = option.value.length;
    const delta = option.number - previous;
    into[at] = (nibble(delta) << 4) | nibble(length);
    at = writeExtension(into, at + 1, delta);
    at = writeExtension(into, at, length);
    at = writeBytes(into, at, option.value);
    previous = option.number;
  }
  if (payload.length > 0) {
    into[at] = payloadMarker;
    into.set(payload, at + 1);
  }
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
