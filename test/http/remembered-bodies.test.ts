/** What is remembered of a body is a copy: the bytes that it came in are whoever's they are next. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { textOf } from '../../src/core/bytes.ts';
import { InternalError } from '../../src/core/error.ts';
import { Exchange } from '../../src/http/exchange.ts';
import type { CallWords, DoorCall } from '../../src/http/gateway-face.ts';
import { RepeatedCalls } from '../../src/http/repeated-calls.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';

const headers = { 'content-type': 'application/json', 'content-length': '7' };
const request = { method: 'POST', url: '/func/calc/add', headers, socket: new Socket(), body: undefined };
const none = (): never => {
  throw new InternalError('not-asked', 'Nobody asks for this.');
};
const known: DoorCall = {
  path: ['func', 'calc', 'add'],
  query: [],
  safe: false,
  body: new Uint8Array(7),
  bodyFormat: 50,
  accept: [50],
  correlationId: 'c',
  flow: none,
  signal: none,
};

test('bytes that change after a call change nothing of what is remembered, nor of what the call has', async () => {
  const called: { readonly words: CallWords | undefined; readonly body: Uint8Array }[] = [];
  const repeated = new RepeatedCalls({
    maxBodyBytes: 1000,
    seed: 1,
    letIn: (reply) =>
      new Exchange({
        reply,
        face: { showInternals: false, admit: none, countRevalidation: none, failure: none },
        scheduler: new ManualScheduler(),
        now: new ManualScheduler().now(),
        correlationId: 'c',
        isCorrelationGiven: false,
      }),
    call: (_, { words, body }) => called.push({ words, body }),
  });
  repeated.learn(request, known);
  const send = async (text: string): Promise<Buffer> => {
    const incoming = new IncomingMessage(request.socket);
    Object.assign(incoming, { method: request.method, url: request.url, headers });
    const bytes = Buffer.from(text);
    expect(repeated.take(incoming, new ServerResponse(incoming))).toBe(true);
    incoming.push(bytes);
    incoming.push(null);
    const before = called.length;
    await expect.poll(() => called.length, { interval: 1 }).toBe(before + 1);
    return bytes;
  };
  // A body is remembered when it has come more than once; each is written over as soon as its call is made.
  for (let i = 0; i < 4; i++) (await send('[10,20]')).fill('!');
  expect(called.map(({ body }) => textOf(body))).toEqual(['[10,20]', '[10,20]', '[10,20]', '[10,20]']);
  const words = called.at(-1)?.words;
  expect(words).toBeDefined();
  await send('[10,20]');
  expect(called.at(-1)?.words).toBe(words);
  await send('!!!!!!!');
  expect(called.at(-1)?.words).not.toBe(words);
});
