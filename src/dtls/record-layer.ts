/**
 * The record layer of one association: epochs, sequence numbers, protection, and the anti-replay window
 * (RFC 6347 §4.1). Two epochs live here, 0 without protection and 1 with the keys of the handshake; a renegotiation, which
 * would need more, is refused.
 *
 * A record that is not well-formed, not authentic or not new is dropped without a word (§4.1.2.7).
 */
import { emptyBytes } from '../core/bytes.ts';
import {
  contentType,
  encodePlaintext,
  headerLength,
  maxPlaintextBytes,
  maxSequence,
  type RecordView,
} from './record.ts';
import type { RecordContent, RecordProtection } from './record-protection.ts';
import { ReplayWindow } from './replay-window.ts';

export interface OpenedRecord extends RecordContent {
  readonly epoch: number;
  /** Newer than every authentic record before it (RFC 9146 §6). */
  readonly newest: boolean;
}

export class RecordLayer {
  /** The next number of epoch 0, and of epoch 1. */
  #plainSequence: number;
  #sequence = 0;
  #write: RecordProtection | undefined = undefined;
  #read: RecordProtection | undefined = undefined;
  #window: ReplayWindow = new ReplayWindow();
  /** What the peer wants in records to it (RFC 9146 §3), and what this end wants. */
  #peerCid: Uint8Array = emptyBytes;
  #ownCid: Uint8Array = emptyBytes;
  /** The most content that the peer takes in one record (RFC 6066 §4, RFC 8449). */
  maxContentBytes: number = maxPlaintextBytes;
  /** The most that is taken from it. */
  maxReadBytes: number = maxPlaintextBytes;
  /**
   * The first number of epoch 1 that may not be used: the last of all, or, where associations outlive the process, one that is
   * not reserved yet. And the first that was not even asked for (reservations.ts).
   */
  reservedUntil: number = maxSequence;
  askedUntil: number = maxSequence;
  /** Records of epoch 1 that were not authentic: each was a guess at a tag. */
  forged = 0;

  /** @param sequence where epoch 0 begins (RFC 6347 §4.2.1). */
  constructor(sequence = 0) {
    this.#plainSequence = sequence;
  }

  /** Records to the peer are protected, in epoch 1, from here on where they ask for it. */
  protectWrites(protection: RecordProtection, peerCid: Uint8Array, sequence = 0): void {
    this.#write = protection;
    this.#peerCid = peerCid;
    this.#sequence = sequence;
  }

  /** Records of epoch 1 are read. */
  protectReads(protection: RecordProtection, ownCid: Uint8Array, mark = -1): void {
    this.#read = protection;
    this.#ownCid = ownCid;
    this.#window = new ReplayWindow(mark);
  }

  /** Nothing is read or written any more, and the keys are out of reach. */
  close(): void {
    this.#write = undefined;
    this.#read = undefined;
  }

  /** Epoch 1 can be read. */
  get readsProtected(): boolean {
    return this.#read !== undefined;
  }

  /** Epoch 1 can be written. */
  get writesProtected(): boolean {
    return this.#write !== undefined;
  }

  get ownCid(): Uint8Array {
    return this.#ownCid;
  }

  get peerCid(): Uint8Array {
    return this.#peerCid;
  }

  /** The next sequence number of epoch 1. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** The newest authentic sequence number of epoch 1; -1 before the first. */
  get receiveMark(): number {
    return this.#window.newest;
  }

  /** What a record of this epoch adds to its content at most. */
  overhead(epoch: number): number {
    if (epoch === 0 || this.#write === undefined) return headerLength;
    const cid = this.#peerCid.length;
    return headerLength + cid + (cid > 0 ? 1 : 0) + this.#write.overhead;
  }

  /** The most content of a record of epoch 1: with a Connection ID, its type counts as content (RFC 9146 §4). */
  get maxProtectedBytes(): number {
    return this.maxContentBytes - (this.#peerCid.length > 0 ? 1 : 0);
  }

  /** Undefined where no sequence number may be used, or the content is larger than the peer takes. */
  seal(epoch: 0 | 1, type: number, content: Uint8Array): Uint8Array | undefined {
    if (epoch === 0) {
      if (content.length > this.maxContentBytes || this.#plainSequence > maxSequence) return undefined;
      return encodePlaintext(type, 0, this.#plainSequence++, content);
    }
    if (content.length > this.maxProtectedBytes) return undefined;
    if (this.#write === undefined || this.#sequence >= this.reservedUntil) return undefined;
    return this.#write.seal(type, 1, this.#sequence++, this.#peerCid, content);
  }

  open(record: RecordView): OpenedRecord | undefined {
    const { type, epoch, sequence, fragment } = record;
    if (epoch === 0) {
      // Nothing in epoch 0 is authentic, so nothing moves a window; application data has no place there (§4.1).
      const plain =
        type === contentType.handshake || type === contentType.alert || type === contentType.changeCipherSpec;
      if (!plain || fragment.length > this.maxReadBytes) return undefined;
      return { type, content: fragment, epoch, newest: false };
    }
    if (epoch !== 1 || this.#read === undefined) return undefined;
    // RFC 9146 §3: where this end has asked for a Connection ID, a record without it is invalid.
    if ((type === contentType.connectionId) !== this.#ownCid.length > 0) return undefined;
    if (!this.#window.accepts(sequence)) return undefined;
    const opened = this.#read.open(record);
    // What is too short for a tag has none that could be right.
    if (opened === undefined && fragment.length >= this.#read.overhead) this.forged++;
    if (opened === undefined || opened.content.length > this.maxReadBytes) return undefined;
    return { type: opened.type, content: opened.content, epoch, newest: this.#window.add(sequence) };
  }
}
