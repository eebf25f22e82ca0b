/** Answers in blocks that do not come as they should (RFC 7959 §2.4), and observations that a server forgets (RFC 7641 §3.3.1). */
import { expect, test } from 'vitest';
import { encodeBlock, findBlock } from '../../../src/coap/blockwise/block-option.ts';
import type { TransferAnswer } from '../../../src/coap/blockwise/client-transfer.ts';
import type { ClientRequest } from '../../../src/coap/client.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { findUint, opaqueOption, optionNumber, uintOption, type Option } from '../../../src/coap/codec/options.ts';
import { emptyBytes } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { endpointOf, Lockstep } from '../lockstep.ts';

const { ACK, NON } = messageType;
const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const block2 = (num: number, more = true): Option =>
  opaqueOption(optionNumber.block2, encodeBlock({ num, more, szx: 0 }));
const observe = (sequence: number): Option => uintOption(optionNumber.observe, sequence);

interface Reply {
  readonly code?: number;
  readonly options?: readonly Option[];
  readonly payload?: Uint8Array;
}

/** Asks for block after block of 16 bytes; `server` says what comes back to each message of ours. */
function read(server: (request: Message, count: number) => Reply | undefined, request: Partial<ClientRequest> = {}) {
  const client = new Lockstep();
  const answers: TransferAnswer[] = [];
  const failures: string[] = [];
  const all: ClientRequest = {
    code: method.GET,
    options: [],
    payload: emptyBytes,
    confirmable: true,
    szx: 0,
    observe: false,
    maxResponseBytes: 10_000,
    timeout: seconds(60),
    ...request,
  };
  const listener = {
    answered: (answer: TransferAnswer) => answers.push(answer),
    failed: (reason: string) => failures.push(reason),
    progress: () => undefined,
  };
  const pending = client.engine.request(endpointOf('server'), all, listener, client.now);
  let count = 0;
  const serve = (sent: readonly Message[]): void => {
    for (const message of sent) {
      const reply = count < 50 ? server(message, ++count) : undefined;
      if (reply === undefined) continue;
      const { messageId, token } = message;
      const type = message.type === NON ? NON : ACK;
      serve(client.send({ type, code: responseCode.content, ...reply, messageId, token }, 'server'));
    }
  };
  serve(client.output());
  return { client, answers, failures, pending, serve, count: () => count };
}

test.each(['GET', 'POST'] as const)('an error among the blocks of a %s is the answer, alone', (name) => {
  const { answers, failures } = read(
    (_request, count) =>
      count < 3
        ? { options: [block2(count - 1)], payload: bytes(16) }
        : { code: responseCode.notFound, payload: bytes(5, 9) },
    { code: method[name] },
  );
  expect(failures).toEqual([]);
  expect(answers).toMatchObject([{ code: responseCode.notFound, payload: bytes(5, 9) }]);
});

test('4.08 among the blocks: a safe request is asked again from its start, an unsafe one is answered so', () => {
  const forgets = (_request: Message, count: number): Reply =>
    count === 2
      ? { code: responseCode.requestEntityIncomplete }
      : { options: [block2(count === 1 ? 0 : count - 3, count < 4)], payload: bytes(16, count) };
  expect(read(forgets).answers).toMatchObject([{ code: responseCode.content, payload: { length: 32 } }]);
  expect(read(forgets, { code: method.POST }).answers).toMatchObject([
    { code: responseCode.requestEntityIncomplete, payload: emptyBytes },
  ]);
});

test('of an error longer than a block the first block is the answer', () => {
  const { answers, count } = read(() => ({
    code: responseCode.notFound,
    options: [block2(0)],
    payload: bytes(16),
  }));
  expect(answers).toMatchObject([{ code: responseCode.notFound, payload: { length: 16 } }]);
  expect(count()).toBe(1);
});

test('a whole answer in place of a block is the answer, alone', () => {
  const { answers } = read((_request, count) =>
    count === 1 ? { options: [block2(0)], payload: bytes(16) } : { payload: bytes(40, 2) },
  );
  expect(answers).toMatchObject([{ payload: bytes(40, 2) }]);
});

test('a server that gives block 0 whatever is asked for is not asked for ever', () => {
  const { failures, count } = read(() => ({ options: [block2(0)], payload: bytes(16) }));
  expect(failures).toEqual(['bad-block']);
  expect(count()).toBe(2);
});

test('a notification puts an end to reading the one before it', () => {
  const { client, answers, serve } = read(
    (request, count) => {
      if (count === 1) return { options: [observe(1), block2(0)], payload: bytes(16) };
      return (findBlock(request.options, optionNumber.block2) as { num: number }).num === 1 && count === 2
        ? undefined
        : { options: [block2(1, false)], payload: bytes(4, 3) };
    },
    { observe: true, confirmable: false },
  );
  const token = Uint8Array.of(0xa0, 0xa1, 0xa2, 2);
  serve(
    client.send(
      {
        type: NON,
        code: responseCode.content,
        messageId: 7,
        token,
        options: [observe(2), block2(0)],
        payload: bytes(16, 2),
      },
      'server',
    ),
  );
  expect(answers).toMatchObject([{ payload: Uint8Array.from([...bytes(16, 2), ...bytes(4, 3)]) }]);
  expect(
    client.send(
      { type: NON, code: responseCode.content, messageId: 8, token: Uint8Array.of(0xa0, 0xa1, 0xa2, 3) },
      'server',
    ),
  ).toMatchObject([{ type: messageType.RST }]);
});

test('registering again goes on until it is answered, and an answer from a server that counts anew is taken', () => {
  const { client, answers, serve } = read((_request, count) => (count === 1 ? { options: [observe(50)] } : undefined), {
    observe: true,
    confirmable: false,
    timeout: seconds(20),
  });
  const registrations = client
    .advance(seconds(200))
    .filter((message) => findUint(message.options, optionNumber.observe) === 0);
  expect(registrations.length).toBeGreaterThan(2);
  serve([]);
  const [last] = registrations.slice(-1);
  client.send(
    { type: NON, code: responseCode.content, messageId: 9, token: last?.token ?? emptyBytes, options: [observe(1)] },
    'server',
  );
  expect(answers).toHaveLength(2);
  expect(client.advance(seconds(100)).length).toBeGreaterThan(0);
});

test('each state that is observed may change while it is read, however often that was so before', () => {
  const etag = (n: number): Option => opaqueOption(optionNumber.etag, Uint8Array.of(n));
  let token = emptyBytes;
  let isAgain = false;
  const { client, answers, failures, serve } = read(
    (request, count) => {
      if (findUint(request.options, optionNumber.observe) === undefined) {
        isAgain = true;
        return { options: [etag(count), block2(1, false)], payload: bytes(4) };
      }
      token = request.token;
      return isAgain
        ? { options: [observe(count), etag(count)], payload: bytes(5) }
        : { options: [observe(count), etag(count), block2(0)], payload: bytes(16) };
    },
    { observe: true },
  );
  for (let n = 0; n < 5; n++) {
    isAgain = false;
    const notification = { options: [observe(100 + n), etag(100 + n), block2(0)], payload: bytes(16) };
    serve(client.send({ type: NON, code: responseCode.content, messageId: n, token, ...notification }, 'server'));
  }
  expect(failures).toEqual([]);
  expect(answers).toHaveLength(6);
});

test('whoever observes returns an Echo as often as it registers', () => {
  const echo = opaqueOption(optionNumber.echo, bytes(8));
  const isEchoed = (request: Message): boolean => request.options.some(({ number }) => number === optionNumber.echo);
  const answer = (request: Message, count: number): Reply =>
    isEchoed(request)
      ? { options: [observe(count), uintOption(optionNumber.maxAge, 1)] }
      : { code: responseCode.unauthorized, options: [echo] };
  const { client, answers, failures, serve } = read(answer, { observe: true });
  serve(client.advance(seconds(20)));
  expect(failures).toEqual([]);
  expect(answers.map(({ code }) => code)).toEqual([responseCode.content, responseCode.content]);
});
