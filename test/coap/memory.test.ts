/** What a peer made the engine keep is let go of when its time is over, whether or not anybody sends anything more. */
import { expect, test } from 'vitest';
import { encodeBlock } from '../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { defaultParameters } from '../../src/coap/parameters.ts';
import { response } from '../../src/coap/response.ts';
import { minutes } from '../../src/core/duration.ts';
import { Lockstep } from './lockstep.ts';

const long = response(responseCode.content, { payload: new Uint8Array(5000), kept: true });

/** The engine is only polled: that is what its driver does with every batch and every deadline. */
const idle = (peer: Lockstep, span: number): void => {
  peer.advance(span);
  peer.engine.poll(peer.now);
};

test('only a request makes a peer be remembered', () => {
  const peer = new Lockstep(() => response(responseCode.content));
  const { CON, NON, ACK, RST } = messageType;
  for (const type of [CON, NON, ACK, RST]) peer.send({ type, code: 0, messageId: 1 }, 'stranger');
  for (const type of [CON, NON, ACK]) peer.send({ type, code: responseCode.content, messageId: 2 }, 'stranger');
  peer.send({ code: 0xe0, messageId: 3 }, 'stranger');
  expect(peer.engine.counters()).toMatchObject({ peers: 0, safeRecords: 0 });
  peer.send({ code: method.GET, messageId: 4 }, 'stranger');
  expect(peer.engine.counters()).toMatchObject({ peers: 1, safeRecords: 1 });
});

test('records of safe and unsafe requests go with their lifetime', () => {
  const peer = new Lockstep(() => response(responseCode.content));
  peer.send({ code: method.GET, messageId: 1 });
  peer.send({ code: method.POST, messageId: 2 });
  idle(peer, defaultParameters.exchangeLifetime - 1);
  expect(peer.engine.counters()).toMatchObject({ safeRecords: 1, unsafeRecords: 1 });
  expect(peer.send({ code: method.GET, messageId: 1 })).toHaveLength(1);
  expect(peer.requests).toHaveLength(2);
  idle(peer, defaultParameters.exchangeLifetime * 2);
  expect(peer.engine.counters()).toMatchObject({ safeRecords: 0, safeRecordBytes: 0, unsafeRecords: 0 });
});

test('a reply given after its record is gone is not counted', () => {
  const peer = new Lockstep();
  peer.send({ code: method.GET, messageId: 1 });
  idle(peer, defaultParameters.exchangeLifetime * 3);
  peer.respond(peer.requests[0], response(responseCode.content));
  peer.advance(defaultParameters.maxTransmitWait);
  idle(peer, defaultParameters.exchangeLifetime * 3);
  expect(peer.engine.counters()).toMatchObject({ safeRecordBytes: 0, timers: 0, pending: 0 });
});

test('what names a kept response or a body under assembly counts among its bytes', () => {
  const peer = new Lockstep(() => long);
  const query = Array.from({ length: 200 }, () => stringOption(optionNumber.uriQuery, 'q'.repeat(250)));
  const first = opaqueOption(optionNumber.block1, encodeBlock({ num: 0, more: true, szx: 0 }));
  peer.send({ code: method.GET, messageId: 1, options: query });
  expect(peer.engine.counters().keptBytes).toBeGreaterThan(50_000);
  peer.send({ code: method.POST, messageId: 2, options: [first, ...query], payload: new Uint8Array(16) });
  expect(peer.engine.counters().assemblyBytes).toBeGreaterThan(50_000);
});

test('bodies of requests that are not answered yet are bounded by bytes', () => {
  const peer = new Lockstep(undefined, { limits: { maxAssemblyBytes: 50_000 } });
  const call = (messageId: number, length: number): number | undefined =>
    peer.send({ code: method.FETCH, messageId, payload: new Uint8Array(length) })[0]?.code;
  const codes = [call(1, 20_000), call(2, 20_000), call(3, 20_000), call(4, 20_000), call(5, 0)];
  expect(codes).toEqual([undefined, undefined, undefined, responseCode.serviceUnavailable, undefined]);
  for (const request of peer.requests) peer.respond(request, response(responseCode.content));
  expect(call(6, 20_000)).toBeUndefined();
});

test('requests that are held for observations are bounded by bytes', () => {
  const opened: unknown[] = [];
  const peer = new Lockstep((request, engine, now) => {
    const observation = engine.observe(request, () => undefined, now);
    opened.push(observation);
    return response(responseCode.content, { observation });
  });
  const options = [uintOption(optionNumber.observe, 0)];
  const observe = (n: number): void => {
    peer.send({
      code: method.FETCH,
      messageId: n,
      token: Uint8Array.of(n),
      options,
      payload: new Uint8Array(1_000_000),
    });
  };
  for (let n = 1; n <= 40; n++) observe(n);
  const held = opened.filter((observation) => observation !== undefined).length;
  expect(held).toBeGreaterThan(5);
  expect(held).toBeLessThan(40);
  peer.send({
    code: method.FETCH,
    messageId: 100,
    token: Uint8Array.of(1),
    options: [uintOption(optionNumber.observe, 1)],
  });
  opened.length = 0;
  observe(101);
  expect(opened[0]).toBeDefined();
});

test('responses kept for later blocks and bodies under assembly go with their lifetime', () => {
  const peer = new Lockstep(() => long);
  const first = opaqueOption(optionNumber.block1, encodeBlock({ num: 0, more: true, szx: 0 }));
  peer.send({ code: method.GET, messageId: 1 });
  peer.send({ code: method.POST, messageId: 2, options: [first], payload: new Uint8Array(16) });
  expect(peer.engine.counters().keptBytes).toBeGreaterThan(5000);
  expect(peer.engine.counters().assemblyBytes).toBeGreaterThan(0);
  idle(peer, minutes(5));
  expect(peer.engine.counters()).toMatchObject({ keptBytes: 0, assemblyBytes: 0 });
});
