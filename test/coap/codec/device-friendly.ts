/**
 * What every response of the gateway owes to small devices: no option value is longer than
 * 12 bytes (Zephyr refuses longer ones by default), and the gateway's own values are shorter still.
 */
import { AssertionError } from 'node:assert';
import { isResponseCode } from '../../../src/coap/codec/codes.ts';
import type { Message } from '../../../src/coap/codec/message.ts';
import { optionNumber } from '../../../src/coap/codec/options.ts';
import { renderMessage } from '../../../src/coap/codec/render.ts';
import { decodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';

const longestValue = 12;
const longestOwnValue: ReadonlyMap<number, number> = new Map([
  [optionNumber.etag, 4],
  [optionNumber.echo, 8],
  [optionNumber.locationPath, 8],
]);

/** Fails where a response has an option that a small device would refuse. Requests pass. */
export function assertDeviceFriendly(message: Message): void {
  if (!isResponseCode(message.code)) return;
  for (const { number, value } of message.options) {
    const limit = longestOwnValue.get(number) ?? longestValue;
    if (value.length > limit) {
      throw new AssertionError({
        message: `Option ${number} has ${value.length} bytes, a device takes ${limit}:\n${renderMessage(message).join('\n')}`,
      });
    }
  }
}

/** The same for a datagram that was sent: it must also be a well-formed message. */
export function assertDeviceFriendlyBytes(bytes: Uint8Array): void {
  const message = decodeMessage(bytes);
  if (isMalformed(message)) throw new AssertionError({ message: `Not a CoAP message: ${message.malformed}` });
  assertDeviceFriendly(message);
}
