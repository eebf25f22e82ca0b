/**
 * Handshake messages and their fragments (RFC 6347 §4.2.2, §4.2.3).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     | HandshakeType |                 length (24)                   |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |          message_seq          |    fragment_offset (24) ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *      ...            |             fragment_length (24)              |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  body, fragment_length bytes of it from fragment_offset on ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import { writeUint } from './presentation.ts';

export const handshakeTypes = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  hello_verify_request: 3,
  new_session_ticket: 4,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
} as const;
export type HandshakeType = keyof typeof handshakeTypes;

export const handshakeHeaderLength = 12;

export interface HandshakeMessage {
  readonly type: HandshakeType;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export interface Fragment {
  readonly type: number;
  readonly length: number;
  readonly sequence: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const typeNames = new Map<number, HandshakeType>(
  Object.entries(handshakeTypes).map(([name, number]) => [number, name as HandshakeType]),
);

export const handshakeTypeOf = (type: number): HandshakeType | undefined => typeNames.get(type);

const uint24 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);

/** The fragments in a record; undefined where one lies about its length. Bytes are views. */
export function decodeFragments(content: Uint8Array): Fragment[] | undefined {
  const fragments: Fragment[] = [];
  let at = 0;
  while (at < content.length) {
    if (at + handshakeHeaderLength > content.length) return undefined;
    const length = uint24(content, at + 1);
    const offset = uint24(content, at + 6);
    const fragmentLength = uint24(content, at + 9);
    const start = at + handshakeHeaderLength;
    if (offset + fragmentLength > length || start + fragmentLength > content.length) return undefined;
    // A fragment of nothing is a message of nothing, or a waste of time.
    if (fragmentLength === 0 && length !== 0) return undefined;
    fragments.push({
      type: content[at] ?? 0,
      length,
      sequence: ((content[at + 4] ?? 0) << 8) | (content[at + 5] ?? 0),
      offset,
      bytes: content.subarray(start, start + fragmentLength),
    });
    at = start + fragmentLength;
  }
  return fragments;
}

/** Of all messages, a Finished alone is encrypted: one of the other epoch is none. */
export const isInItsEpoch = ({ type }: Fragment, epoch: number): boolean =>
  (type === handshakeTypes.finished) === (epoch === 1);

/** Where a peer sends all of a message again, this comes once. */
export const endsMessage = ({ sequence, offset, bytes, length }: Fragment, wanted: number): boolean =>
  sequence === wanted && offset + bytes.length === length;

/** A message as one fragment: as it is hashed (RFC 6347 §4.2.6), and sent where it fits. */
export const encodeHandshake = ({ type, sequence, body }: HandshakeMessage): Uint8Array =>
  encodeFragment(handshakeTypes[type], sequence, body, 0, body.length);

/** `length` bytes of the body from `offset` on, as a fragment. */
export function encodeFragment(
  type: number,
  sequence: number,
  body: Uint8Array,
  offset: number,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(handshakeHeaderLength + length);
  bytes[0] = type;
  writeUint(bytes, 1, body.length, 3);
  writeUint(bytes, 4, sequence, 2);
  writeUint(bytes, 6, offset, 3);
  writeUint(bytes, 9, length, 3);
  bytes.set(body.subarray(offset, offset + length), handshakeHeaderLength);
  return bytes;
}
