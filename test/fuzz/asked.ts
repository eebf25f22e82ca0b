/** What a test asks a stack, and what the answers are called. */
import { codeClass, dotted, emptyCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { sortOptions, type Option } from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { emptyBytes } from '../../src/core/bytes.ts';
import { Oracle } from './oracle.ts';
import type { Stack } from './stack.ts';

export interface Asked {
  readonly code: number;
  readonly type?: 0 | 1;
  readonly options?: readonly Option[];
  readonly payload?: Uint8Array;
}

/** Sends with Message IDs that never repeat, through the oracle. */
export class Asker {
  readonly #stack: Stack;
  readonly #oracle = new Oracle();
  #messageId = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  ask({ code, type = messageType.CON, options = [], payload = emptyBytes }: Asked): Promise<string> {
    const messageId = ++this.#messageId & 0xffff;
    const token = Uint8Array.of(messageId & 0xff);
    return this.send(encodeMessage({ type, code, messageId, token, options: sortOptions(options), payload }));
  }

  /** The name of what comes back: `4.04`, `RST`, `ACK` (an empty one) or `nothing`. */
  async send(bytes: Uint8Array, peer = 'near-1'): Promise<string> {
    const sent = { bytes, peer, multicast: false };
    this.#oracle.sending(sent);
    const outputs = await this.#stack.send(bytes, peer);
    this.#oracle.answered(sent, outputs);
    const [answer] = outputs;
    if (answer === undefined) return 'nothing';
    const message = decodeMessage(answer.bytes);
    return isMalformed(message) ? 'malformed' : nameOf(message);
  }
}

function nameOf(message: Message): string {
  if (message.code !== emptyCode) return dotted(message.code);
  return message.type === messageType.RST ? 'RST' : 'ACK';
}

/** A clear no, or silence. */
export const isClearNo = (answer: string): boolean =>
  answer === 'nothing' || answer === 'RST' || answer === 'ACK' || codeClass(Number(answer[0]) << 5) === 4;
