import type { Option } from './options.ts';

/**
 * A CoAP message as data (RFC 7252 §3). Immutable; `options` are in ascending order of number
 * (RFC 7252 §3.1), values of repeatable options in the order they were sent.
 */
export interface Message {
  readonly type: MessageType;
  /** One byte, class × 32 + detail: 0x01 is 0.01 GET, 0x45 is 2.05 Content. 0 is Empty. */
  readonly code: number;
  /** 16 bits, unsigned. */
  readonly messageId: number;
  /** 0 to 8 bytes; longer with RFC 8974. */
  readonly token: Uint8Array;
  readonly options: readonly Option[];
  /** Empty when the message has none. */
  readonly payload: Uint8Array;
}

/** RFC 7252 §3, the two bits T. */
export const messageType = { CON: 0, NON: 1, ACK: 2, RST: 3 } as const;
export type MessageType = (typeof messageType)[keyof typeof messageType];
