/** What tells requests of ours apart (RFC 7252 §5.3.1; RFC 9175 §3, §4). */
import { expect, test } from 'vitest';
import type { ClientRequest } from '../../../src/coap/client.ts';
import { encodeBlock } from '../../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { findOption, opaqueOption, optionNumber } from '../../../src/coap/codec/options.ts';
import { emptyBytes, hex } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { endpointOf, Lockstep } from '../lockstep.ts';

const put: ClientRequest = {
  code: method.PUT,
  options: [],
  payload: emptyBytes,
  confirmable: true,
  szx: 0,
  observe: false,
  timeout: seconds(300),
  maxResponseBytes: 1 << 20,
};

function ask(client: Lockstep, request: Partial<ClientRequest> = {}): void {
  const listener = { answered: () => undefined, failed: () => undefined, progress: () => undefined };
  client.engine.request(endpointOf('server'), { ...put, ...request }, listener, client.now);
}

const tokensOf = (messages: readonly Message[]): string[] => messages.map(({ token }) => hex(token));

test('requests that are open have tokens of their own, though chance repeats itself', () => {
  // This one repeats itself after 256 times; each request asks it twice.
  const client = new Lockstep(undefined, { transmission: { nstart: 1000 } });
  for (let n = 0; n < 200; n++) ask(client);
  const tokens = tokensOf(client.output());
  expect(tokens).toHaveLength(200);
  expect(new Set(tokens).size).toBe(200);
});

test('each block goes under a token of its own, all under one Request-Tag that no other body has; a whole body has none', () => {
  const client = new Lockstep();
  const sent: Message[] = [];
  const upload = (payload: Uint8Array): void => {
    ask(client, { payload });
    for (let [next] = client.output(); next !== undefined;) {
      sent.push(next);
      const num = sent.length - 1;
      const isLast = next.payload.length < 16 || payload.length <= 16;
      const options = isLast ? [] : [opaqueOption(optionNumber.block1, encodeBlock({ num, more: true, szx: 0 }))];
      const code = isLast ? responseCode.changed : responseCode.continue;
      const { messageId, token } = next;
      [next] = client.send({ type: messageType.ACK, code, messageId, token, options }, 'server');
    }
  };
  upload(new Uint8Array(40));
  upload(new Uint8Array(20));
  upload(new Uint8Array(10));
  expect(sent.map(({ payload }) => payload.length)).toEqual([16, 16, 8, 16, 4, 10]);
  expect(new Set(tokensOf(sent)).size).toBe(6);
  const tags = sent.map(({ options }) => hex(findOption(options, optionNumber.requestTag) ?? emptyBytes));
  expect(tags).toEqual([tags[0], tags[0], tags[0], tags[3], tags[3], '']);
  expect(new Set(tags).size).toBe(3);
});
