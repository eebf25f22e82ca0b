/**
 * What is kept of unsafe requests, as entries one behind the other:
 *
 *     | 1 | number 6 | association 8 | mark 6 | Message ID 2 | confirmable 1 | fingerprint 4 | expires 6 |     begun
 *     | 2 | number 6 | length 4 | reply |                                                                     answered
 *
 * A begun entry says its association's receive mark too, so that one write is enough before a request runs.
 */
import { hex } from '../../core/bytes.ts';
import type { TimeOfDay } from '../../core/time-of-day.ts';
import { timeOfDay } from '../../core/time-of-day.ts';

export interface BegunEntry {
  /** Of the entry, never used again. */
  readonly number: number;
  readonly associationId: string;
  readonly receiveMark: number;
  readonly messageId: number;
  readonly confirmable: boolean;
  readonly fingerprint: number;
  readonly expires: TimeOfDay;
}

export interface StoredRequest extends BegunEntry {
  readonly reply: Uint8Array | undefined;
}

const begunBytes = 34;
const answeredHead = 11;
const kinds = { begun: 1, answered: 2 } as const;

export function encodeBegun(entry: BegunEntry): Uint8Array {
  const bytes = Buffer.alloc(begunBytes);
  bytes[0] = kinds.begun;
  bytes.writeUIntBE(entry.number, 1, 6);
  bytes.write(entry.associationId, 7, 8, 'hex');
  bytes.writeUIntBE(entry.receiveMark + 1, 15, 6);
  bytes.writeUInt16BE(entry.messageId, 21);
  bytes[23] = entry.confirmable ? 1 : 0;
  bytes.writeInt32BE(entry.fingerprint, 24);
  bytes.writeUIntBE(entry.expires, 28, 6);
  return bytes;
}

export function encodeAnswered(number: number, reply: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(answeredHead + reply.length);
  bytes[0] = kinds.answered;
  bytes.writeUIntBE(number, 1, 6);
  bytes.writeUInt32BE(reply.length, 7);
  bytes.set(reply, answeredHead);
  return bytes;
}

/** Adds what the entries say to the requests, by number. Of authentic bytes. */
export function readEntries(content: Uint8Array, requests: Map<number, StoredRequest>): void {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  for (let at = 0; at < bytes.length;) {
    const number = bytes.readUIntBE(at + 1, 6);
    if (bytes[at] === kinds.begun) {
      requests.set(number, {
        number,
        associationId: hex(content.subarray(at + 7, at + 15)),
        receiveMark: bytes.readUIntBE(at + 15, 6) - 1,
        messageId: bytes.readUInt16BE(at + 21),
        confirmable: bytes[at + 23] === 1,
        fingerprint: bytes.readInt32BE(at + 24),
        expires: timeOfDay(bytes.readUIntBE(at + 28, 6)),
        reply: undefined,
      });
      at += begunBytes;
    } else {
      const length = bytes.readUInt32BE(at + 7);
      const begun = requests.get(number);
      const reply = new Uint8Array(content.subarray(at + answeredHead, at + answeredHead + length));
      // What was begun before the oldest file that is kept has expired.
      if (begun !== undefined) requests.set(number, { ...begun, reply });
      at += answeredHead + length;
    }
  }
}
