/** Non-confirmable requests of ours to a peer that does not answer (RFC 7252 §4.7: NSTART, PROBING_RATE). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ClientRequest, PendingRequest } from '../../../src/coap/client.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { optionNumber, uintOption } from '../../../src/coap/codec/options.ts';
import { encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { emptyBytes } from '../../../src/core/bytes.ts';
import { milliseconds, seconds } from '../../../src/core/duration.ts';
import { endpointOf, Lockstep } from '../lockstep.ts';

const { NON, ACK, RST } = messageType;
/** Of a request without options and payload: header and token. */
const requestBytes = 8;

function ask(client: Lockstep, request: Partial<ClientRequest> = {}): { ended: string[]; pending: PendingRequest } {
  const ended: string[] = [];
  const whole: ClientRequest = {
    code: method.GET,
    options: [],
    payload: emptyBytes,
    confirmable: false,
    szx: undefined,
    observe: false,
    timeout: seconds(300),
    maxResponseBytes: 1 << 20,
    ...request,
  };
  const listener = {
    answered: () => ended.push('answered'),
    failed: (reason: string) => ended.push(reason),
    progress: () => undefined,
  };
  return { ended, pending: client.engine.request(endpointOf('server'), whole, listener, client.now) };
}

const answerTo = (message: Message | undefined): Parameters<Lockstep['send']>[0] => ({
  type: NON,
  code: responseCode.content,
  messageId: 500,
  token: message?.token ?? emptyBytes,
});

test('the second request waits for the answer to the first', () => {
  const client = new Lockstep();
  const first = ask(client);
  const second = ask(client);
  const [sent, ...none] = client.output();
  expect(none).toEqual([]);
  const [next] = client.send(answerTo(sent), 'server');
  expect(next).toMatchObject({ type: NON, code: method.GET });
  client.send(answerTo(next), 'server');
  expect([first.ended, second.ended]).toEqual([['answered'], ['answered']]);
  expect(client.engine.counters().timers).toBe(0);
});

test('without an answer it waits as long as PROBING_RATE wants, 1 byte a second, whether the first was given up or not', () => {
  for (const givesUp of [false, true]) {
    const client = new Lockstep();
    const { pending } = ask(client);
    client.output();
    ask(client);
    if (givesUp) pending.cancel(client.now);
    expect(client.advance(seconds(requestBytes) - 1)).toEqual([]);
    expect(client.advance(milliseconds(1))).toMatchObject([{ type: NON, code: method.GET }]);
  }
});

test('a peer that answers late, or something else, is not silent', () => {
  const client = new Lockstep();
  const { pending } = ask(client);
  const [sent] = client.output();
  pending.cancel(client.now);
  ask(client);
  expect(client.send(answerTo(sent), 'server')).toMatchObject([{ type: RST }, { type: NON, code: method.GET }]);
});

test('to a silent peer no more than PROBING_RATE is sent on average, however many requests there are and whoever gives up', () => {
  const one = fc.record({ after: fc.nat(20_000), timeout: fc.integer({ min: 1, max: 60_000 }), bytes: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), (requests) => {
      const client = new Lockstep();
      const start = client.now;
      let sentBytes = 0;
      const count = (messages: readonly Message[]): void => {
        for (const message of messages) {
          // What was sent before has had its time.
          expect(sentBytes).toBeLessThanOrEqual((client.now - start) / 1000);
          sentBytes += encodeMessage(message).length;
        }
      };
      for (const { after, timeout, bytes } of requests) {
        for (let ms = 0; ms < after; ms += 500) count(client.advance(500));
        ask(client, { timeout: milliseconds(timeout), payload: new Uint8Array(bytes) });
        count(client.output());
      }
      for (let ms = 0; ms < 100_000; ms += 500) count(client.advance(500));
    }),
    { numRuns: 40 },
  );
});

test('a Reset fails the request; an acknowledgement of what asked for none is ignored', () => {
  const client = new Lockstep();
  const { ended } = ask(client);
  const [sent] = client.output();
  client.send({ type: ACK, code: 0, messageId: sent?.messageId ?? 0 }, 'server');
  expect(ended).toEqual([]);
  client.send({ type: RST, code: 0, messageId: sent?.messageId ?? 0 }, 'server');
  expect(ended).toEqual(['reset']);
});

test("a Reset to a request that was given up is nobody else's", () => {
  const client = new Lockstep();
  const { ended, pending } = ask(client);
  const [sent] = client.output();
  pending.cancel(client.now);
  client.send({ type: RST, code: 0, messageId: sent?.messageId ?? 0 }, 'server');
  expect(ended).toEqual([]);
  ask(client);
  expect(client.output()).toHaveLength(1);
});

test('what wants no response waits for none (RFC 7967)', () => {
  const client = new Lockstep();
  const options = [uintOption(optionNumber.noResponse, 26)];
  for (let n = 0; n < 3; n++) ask(client, { options });
  expect(client.output()).toHaveLength(3);
});

test('registering as an observer again does not begin the retransmissions anew, and fails with the last of them', () => {
  const client = new Lockstep();
  const { ended } = ask(client, { confirmable: true, observe: true, timeout: seconds(5) });
  const [first] = client.output();
  const options = [uintOption(optionNumber.observe, 1), uintOption(optionNumber.maxAge, 1)];
  const registered = {
    code: responseCode.content,
    messageId: first?.messageId ?? 0,
    token: first?.token ?? emptyBytes,
  };
  client.send({ ...registered, type: ACK, options }, 'server');
  expect(client.advance(seconds(100))).toHaveLength(5);
  expect(ended).toEqual(['answered', 'timeout']);
  expect(client.advance(seconds(200))).toEqual([]);
});
