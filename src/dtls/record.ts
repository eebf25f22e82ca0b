/**
 * Records (RFC 6347 §4.1), and records with a Connection ID (RFC 9146 §4).
 * https://www.rfc-editor.org/rfc/rfc6347#section-4.1
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  ContentType  |        ProtocolVersion        |     epoch ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *      ...  (16)      |              sequence_number (48) ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *      ...            |  cid, only with ContentType 25, its length is the receiver's choice ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |            length             |  fragment ...
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Left out: what is in the fragment, and whether it may be believed (record-layer.ts).
 */
import { emptyBytes } from '../core/bytes.ts';
import { writeUint } from './presentation.ts';

export const contentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** RFC 9146 §4 */
  connectionId: 25,
  /** RFC 9853 §4 */
  returnRoutabilityCheck: 27,
} as const;

/** Versions count down (RFC 6347 §4.1): 1.0 is {254, 255}, 1.2 is {254, 253}. */
export const dtls10 = 0xfeff;
export const dtls12 = 0xfefd;

export const headerLength = 13;
/** 2^14, and what protection may add to it (RFC 5246 §6.2.1, §6.2.3). */
export const maxPlaintextBytes: number = 1 << 14;
const maxCiphertextBytes = maxPlaintextBytes + 2048;
export const maxSequence: number = 2 ** 48 - 1;

export interface RecordView {
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  /** Empty but for content type 25. */
  readonly cid: Uint8Array;
  readonly fragment: Uint8Array;
}

/**
 * The records of a datagram, up to the first that is not well-formed: what follows it cannot be found (RFC 6347 §4.1.2.7).
 * Fragments are views of the datagram.
 * @param cidLength of the Connection IDs that this end hands out; 0 where it does not.
 */
export function decodeRecords(datagram: Uint8Array, cidLength: number): RecordView[] {
  const records: RecordView[] = [];
  let at = 0;
  while (at + headerLength <= datagram.length) {
    const type = datagram[at] ?? 0;
    const extra = type === contentType.connectionId ? cidLength : 0;
    const start = at + headerLength + extra;
    const version = uint16(datagram, at + 1);
    const epoch = uint16(datagram, at + 3);
    // Any minor version is read before one is agreed on: a ClientHello may come in a record of 1.0 (RFC 6347 §4.1).
    if (version >> 8 !== dtls10 >> 8 || (epoch > 0 && version !== dtls12) || start > datagram.length) break;
    if (type === contentType.connectionId && cidLength === 0) break;
    const length = uint16(datagram, start - 2);
    if (length > maxCiphertextBytes || start + length > datagram.length) break;
    records.push({
      type,
      epoch,
      sequence:
        uint16(datagram, at + 5) * 0x1_0000_0000 + uint16(datagram, at + 7) * 0x1_0000 + uint16(datagram, at + 9),
      cid: extra === 0 ? emptyBytes : datagram.subarray(at + 11, at + 11 + extra),
      fragment: datagram.subarray(start, start + length),
    });
    at = start + length;
  }
  return records;
}

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** A record's header, written to the start of `record`; where the fragment begins. */
export function writeHeader(
  record: Uint8Array,
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array,
  fragmentLength: number,
  version: number = dtls12,
): number {
  record[0] = type;
  writeUint(record, 1, version, 2);
  writeUint(record, 3, epoch, 2);
  writeUint(record, 5, sequence, 6);
  record.set(cid, 11);
  writeUint(record, 11 + cid.length, fragmentLength, 2);
  return headerLength + cid.length;
}

/** A record that is not protected. */
export function encodePlaintext(
  type: number,
  epoch: number,
  sequence: number,
  fragment: Uint8Array,
  version: number = dtls12,
): Uint8Array {
  const record = new Uint8Array(headerLength + fragment.length);
  record.set(fragment, writeHeader(record, type, epoch, sequence, emptyBytes, fragment.length, version));
  return record;
}
