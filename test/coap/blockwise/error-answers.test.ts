/** A request for a later block whose answer is an error, or becomes one (RFC 7959 §2.4; RFC 7252 §8.2; RFC 7641 §4.2). */
import { expect, test } from 'vitest';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, uintOption, type Option } from '../../../src/coap/codec/options.ts';
import type { Observation } from '../../../src/coap/observe/observation.ts';
import { response } from '../../../src/coap/response.ts';
import { encodeBlock } from '../../../src/coap/blockwise/block-option.ts';
import { Lockstep } from '../lockstep.ts';

const later: Option = opaqueOption(optionNumber.block2, encodeBlock({ num: 5, more: false, szx: 2 }));
const short = response(responseCode.content, { payload: new Uint8Array(10) });

test('an error is sent as it is, whatever block was asked for', () => {
  const missing = response(responseCode.requestEntityIncomplete, { maxAge: 0, payload: new Uint8Array(20) });
  const [answer] = new Lockstep(() => missing).send({ code: method.GET, messageId: 1, options: [later] });
  expect(answer).toMatchObject({ code: responseCode.requestEntityIncomplete });
  expect(answer?.payload).toHaveLength(20);
});

test('a block past the end, asked for by multicast, is answered with silence', () => {
  const peer = new Lockstep(() => short);
  peer.send({ type: messageType.NON, code: method.GET, messageId: 1, options: [later] }, 'device', true);
  expect(peer.advance(60_000)).toEqual([]);
  expect(peer.engine.counters()).toMatchObject({ timers: 0, pending: 0 });
});

test('a block past the end is answered with silence where No-Response suppresses 4.xx', () => {
  const options = [later, uintOption(optionNumber.noResponse, 8)];
  const peer = new Lockstep(() => short);
  expect(peer.send({ type: messageType.NON, code: method.GET, messageId: 1, options })).toEqual([]);
  expect(peer.send({ code: method.GET, messageId: 2, options })).toMatchObject([{ type: messageType.ACK, code: 0 }]);
});

test('a block past the end registers no observer', () => {
  const opened: (Observation | undefined)[] = [];
  const peer = new Lockstep((request, engine, now) => {
    const observation = engine.observe(request, () => undefined, now);
    opened.push(observation);
    return response(responseCode.content, { payload: new Uint8Array(10), observation });
  });
  const options = [uintOption(optionNumber.observe, 0), later];
  expect(peer.send({ code: method.GET, messageId: 1, options })).toMatchObject([{ code: responseCode.badRequest }]);
  expect(opened[0]?.ended).toBe(true);
  expect(peer.engine.counters().observations).toBe(0);
});
