/**
 * Fragments → messages in the order of message_seq (RFC 6347 §4.2.2, §4.2.3), bounded: a message of at most `maxMessageBytes`,
 * and beside the one that is due only a few that came early.
 *
 * Fragments may overlap and repeat. Bytes that are there stay as they are: who can send a second version of them gains nothing.
 */
import { FatalAlert } from './alert.ts';
import { handshakeTypeOf, type Fragment, type HandshakeMessage, type HandshakeType } from './handshake-message.ts';

/** How far ahead of the message that is due; a flight has at most six messages. */
const lookahead = 6;

interface Partial {
  readonly type: HandshakeType;
  readonly body: Uint8Array;
  /** 1 for each byte that is there. */
  readonly present: Uint8Array;
  missing: number;
}

export class Reassembly {
  readonly #maxMessageBytes: number;
  readonly #partials = new Map<number, Partial>();
  /** The message_seq that is due. */
  #next: number;

  constructor(maxMessageBytes: number, next: number) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#next = next;
  }

  get next(): number {
    return this.#next;
  }

  /** Bytes of messages that are not whole, or not due; each takes one more to remember that it is there. */
  get bytes(): number {
    let bytes = 0;
    for (const { body } of this.#partials.values()) bytes += body.length;
    return bytes;
  }

  /**
   * The messages that are whole and due after this fragment. They own their bytes.
   * @throws FatalAlert where the fragment contradicts another of its message, or the message is none or too large.
   */
  add(fragment: Fragment): HandshakeMessage[] {
    const { sequence, length } = fragment;
    if (sequence < this.#next || sequence >= this.#next + lookahead) return [];
    const type = handshakeTypeOf(fragment.type);
    if (type === undefined)
      throw new FatalAlert('unexpected_message', `Handshake messages have no type ${fragment.type}`);
    if (length > this.#maxMessageBytes) {
      throw new FatalAlert(
        'illegal_parameter',
        `A ${type} message of ${length} bytes is larger than ${this.#maxMessageBytes}`,
      );
    }
    let partial = this.#partials.get(sequence);
    if (partial === undefined) {
      // One that comes early and finds no room comes again.
      if (sequence > this.#next && this.bytes + length > this.#maxMessageBytes) return [];
      partial = { type, body: new Uint8Array(length), present: new Uint8Array(length), missing: length };
      this.#partials.set(sequence, partial);
    } else if (partial.type !== type || partial.body.length !== length) {
      throw new FatalAlert('illegal_parameter', 'Two fragments of one message disagree about it');
    }
    fill(partial, fragment.offset, fragment.bytes);
    return this.#due();
  }

  #due(): HandshakeMessage[] {
    const messages: HandshakeMessage[] = [];
    for (;;) {
      const partial = this.#partials.get(this.#next);
      if (partial === undefined || partial.missing > 0) return messages;
      this.#partials.delete(this.#next);
      messages.push({ type: partial.type, sequence: this.#next, body: partial.body });
      this.#next++;
    }
  }
}

function fill(partial: Partial, offset: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) {
    if (partial.present[offset + i] === 1) continue;
    partial.present[offset + i] = 1;
    partial.body[offset + i] = bytes[i] ?? 0;
    partial.missing--;
  }
}
