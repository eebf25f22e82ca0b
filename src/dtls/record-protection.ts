/**
 * Record protection: content ⇄ protected records of one direction of one epoch (RFC 5246 §6.2.3, RFC 6347 §4.1.2).
 * With a Connection ID, content is wrapped with its type and the record says only that (RFC 9146 §4):
 *
 *     DTLSInnerPlaintext   | content | real_type 1 | zeros |
 *
 * The handshake hands over keys and knows nothing of what is in here, so another protection can stand beside these.
 */
import { concatBytes } from '../core/bytes.ts';
import { contentType, dtls12, type RecordView } from './record.ts';
import { writeUint } from './presentation.ts';

export interface RecordContent {
  readonly type: number;
  readonly content: Uint8Array;
}

/** Of one direction; from the key block (RFC 5246 §6.3). */
export interface WriteKeys {
  readonly macKey: Uint8Array;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

export interface RecordProtection {
  /** What it adds to content at most, header and Connection ID not counted. */
  readonly overhead: number;
  /** A whole record. */
  seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array;
  /** Undefined where the record is not authentic. */
  open(record: RecordView): RecordContent | undefined;
}

/** RFC 9146 §4: what is encrypted of a record with a Connection ID. */
export const wrapInner = (type: number, content: Uint8Array): Uint8Array => concatBytes([content, Uint8Array.of(type)]);

/** The content of a DTLSInnerPlaintext; undefined where it is nothing but zeros. */
export function unwrapInner(inner: Uint8Array): RecordContent | undefined {
  let end = inner.length - 1;
  while (end >= 0 && inner[end] === 0) end--;
  return end < 0 ? undefined : { type: inner[end] ?? 0, content: inner.subarray(0, end) };
}

const plainPrefix = 13;
const cidPrefix = 23;

/**
 * What is authenticated of a record's header. RFC 5246 §6.2.3.3 with the sequence number of RFC 6347 §4.1.2.1:
 *
 *     | epoch 2 | sequence_number 6 | type 1 | version 2 | length 2 |
 *
 * and with a Connection ID (RFC 9146 §5.2, §5.3), where nothing can be mistaken for the former:
 *
 *     | ff × 8 | 25 | cid_length 1 | 25 | version 2 | epoch 2 | sequence_number 6 | cid | length 2 |
 */
export function authenticatedHeader(
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array,
  length: number,
): Uint8Array {
  if (cid.length === 0) {
    const header = new Uint8Array(plainPrefix);
    writeUint(header, 0, epoch, 2);
    writeUint(header, 2, sequence, 6);
    header[8] = type;
    writeUint(header, 9, dtls12, 2);
    writeUint(header, 11, length, 2);
    return header;
  }
  const header = new Uint8Array(cidPrefix + cid.length);
  header.fill(0xff, 0, 8);
  header[8] = contentType.connectionId;
  header[9] = cid.length;
  header[10] = contentType.connectionId;
  writeUint(header, 11, dtls12, 2);
  writeUint(header, 13, epoch, 2);
  writeUint(header, 15, sequence, 6);
  header.set(cid, 21);
  writeUint(header, 21 + cid.length, length, 2);
  return header;
}
