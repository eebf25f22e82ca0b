/**
 * What must hold of every answer, whatever was sent. It knows CoAP's rules and nothing of the engine:
 *
 *  - what is sent is a CoAP message, an Empty ACK or RST or a response with a registered code, to who asked, never by multicast,
 *    with no option that a small device refuses;
 *  - a request has at most one response; an ACK acknowledges something; a CON goes only to who sent a CON or observes;
 *  - an unverified peer gets no more than three times its datagram, or 136 bytes;
 *  - nothing is answered at once to multicast, and nothing but success at all, unless No-Response says what is wanted.
 */
import { codeClass, codeName, emptyCode, isRequestCode, isResponseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findOption, findUint, optionNumber } from '../../src/coap/codec/options.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { hex } from '../../src/core/bytes.ts';
import type { Datagram } from '../../src/core/datagram.ts';
import { assertDeviceFriendly } from '../coap/codec/device-friendly.ts';
import { Violation } from './violation.ts';

export interface Sent {
  readonly bytes: Uint8Array;
  readonly peer: string;
  readonly multicast: boolean;
}

const alwaysAllowedBytes = 136;

/** What is known of the requests of one peer under one token. */
interface Conversation {
  /** Requests, duplicates counted, less the responses. */
  open: number;
  /** One of them was confirmable, or wanted to observe. */
  mayConfirm: boolean;
  observed: boolean;
  /** All came by multicast, and none said which classes it wants (RFC 7967 §2). */
  onlySuccess: boolean;
  longest: number;
}

export class Oracle {
  readonly #conversations = new Map<string, Conversation>();
  /** Message IDs of CONs, by peer: what may be acknowledged or reset. */
  readonly #confirmable = new Set<string>();
  readonly #transmitted = new Set<string>();
  /** Echo values that were handed to a peer, and the peers that have returned one. */
  readonly #echoes = new Set<string>();
  readonly #verified = new Set<string>();

  /** Everything under way is over. */
  reset(): void {
    this.#conversations.clear();
    this.#confirmable.clear();
    this.#transmitted.clear();
    this.#echoes.clear();
    this.#verified.clear();
  }

  /** A datagram is about to be sent to the gateway. */
  sending({ bytes, peer, multicast }: Sent): void {
    if (bytes.length >= 4 && (bytes[0] ?? 0) >> 4 === 4) this.#confirmable.add(`${peer} ${hex(bytes.subarray(2, 4))}`);
    const message = decodeMessage(bytes);
    if (isMalformed(message) || !isRequestCode(message.code)) return;
    if (message.type !== messageType.CON && message.type !== messageType.NON) return;
    const key = keyOf(peer, message);
    const known = this.#conversations.get(key) ?? {
      open: 0,
      mayConfirm: false,
      observed: false,
      onlySuccess: true,
      longest: 0,
    };
    known.open++;
    known.observed ||= findUint(message.options, optionNumber.observe) === 0;
    known.mayConfirm ||= known.observed || message.type === messageType.CON;
    const noResponse = findOption(message.options, optionNumber.noResponse);
    known.onlySuccess &&= multicast && !(noResponse !== undefined && noResponse.length <= 1);
    known.longest = Math.max(known.longest, bytes.length);
    this.#conversations.set(key, known);
    const echo = findOption(message.options, optionNumber.echo);
    if (echo !== undefined && this.#echoes.has(`${peer} ${hex(echo)}`)) this.#verified.add(peer);
  }

  /** Checks what came back at once. */
  answered(sent: Sent, outputs: readonly Datagram[]): void {
    const message = decodeMessage(sent.bytes);
    const isAsking = isMalformed(message) || isRequestCode(message.code) || message.code === emptyCode;
    // A CON is never an answer at once: it has waited for its turn (NSTART), and this datagram has made room for it.
    const answers = outputs.filter(({ endpoint, bytes }) => endpoint.key === sent.peer && (bytes[0] ?? 0) >> 4 !== 4);
    if (sent.multicast && answers.length > 0) throw new Violation('an answer to multicast did not wait');
    const settles = !isMalformed(message) && (message.type === messageType.ACK || message.type === messageType.RST);
    if (isAsking && !settles) {
      if (answers.length > 1) throw new Violation(`${answers.length} datagrams for one`);
      const bytes = answers.reduce((sum, datagram) => sum + datagram.bytes.length, 0);
      this.#checkAmplification(sent.peer, bytes, sent.bytes.length);
    }
    for (const datagram of outputs) this.#check(datagram);
  }

  /** Checks what was sent while time passed. */
  passed(outputs: readonly Datagram[]): void {
    for (const datagram of outputs) this.#check(datagram);
  }

  #check(datagram: Datagram): void {
    const { bytes, endpoint, multicast } = datagram;
    const peer = endpoint.key;
    const message = decodeMessage(bytes);
    if (isMalformed(message)) throw new Violation(`sent what is no message (${message.malformed}): ${hex(bytes)}`);
    if (multicast) throw new Violation('sent to a group');
    const fail = (why: string): Violation => new Violation(`${why}: ${hex(bytes)} to ${peer}`);
    const acknowledges = message.type === messageType.ACK || message.type === messageType.RST;
    const idKey = `${peer} ${hex(bytes.subarray(2, 4))}`;
    if (message.type === messageType.ACK && !this.#confirmable.has(idKey))
      throw fail('acknowledges what was never sent');
    if (message.code === emptyCode) {
      if (!acknowledges) throw fail('an Empty message that is neither ACK nor RST');
      return;
    }
    if (!isResponseCode(message.code) || codeName(message.code) === undefined)
      throw fail('not a registered response code');
    if (message.type === messageType.RST) throw fail('a Reset that is not Empty');
    assertDeviceFriendly(message);
    this.#checkConversation(message, bytes, peer, fail);
    const echo = findOption(message.options, optionNumber.echo);
    if (echo !== undefined) this.#echoes.add(`${peer} ${hex(echo)}`);
  }

  #checkConversation(message: Message, bytes: Uint8Array, peer: string, fail: (why: string) => Violation): void {
    if (message.type === messageType.CON) {
      const seen = `${peer} ${hex(bytes)}`;
      if (this.#transmitted.has(seen)) return; // once more
      this.#transmitted.add(seen);
    }
    const conversation = this.#conversations.get(keyOf(peer, message));
    if (conversation === undefined) throw fail('a response to no request');
    if (message.type === messageType.CON && !conversation.mayConfirm) throw fail('a CON for a NON');
    if (conversation.onlySuccess && codeClass(message.code) !== 2) throw fail('an error answers multicast');
    this.#checkAmplification(peer, bytes.length, conversation.longest);
    if (--conversation.open < 0 && !conversation.observed) throw fail('one response too many');
  }

  #checkAmplification(peer: string, sent: number, received: number): void {
    if (!peer.startsWith('far') || this.#verified.has(peer)) return;
    const limit = Math.max(3 * received, alwaysAllowedBytes);
    if (sent > limit) throw new Violation(`${sent} bytes to an unverified peer for ${received}`);
  }
}

const keyOf = (peer: string, message: Message): string => `${peer} ${hex(message.token)}`;
