import { describe, expect, test } from 'vitest';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
  type Option,
} from '../../../src/coap/codec/options.ts';
import { encodeBlock, findBlock, type Szx } from '../../../src/coap/blockwise/block-option.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { concatBytes } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { Lockstep, type Handler } from '../lockstep.ts';

const path = stringOption(optionNumber.uriPath, 'x');
const block1 = (num: number, more: boolean, szx: Szx): Option =>
  opaqueOption(optionNumber.block1, encodeBlock({ num, more, szx }));
const block2 = (num: number, szx: Szx): Option =>
  opaqueOption(optionNumber.block2, encodeBlock({ num, more: false, szx }));
const requestTag = (tag: number): Option => opaqueOption(optionNumber.requestTag, Uint8Array.of(tag));
const bytes = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

const kept = (payload: Uint8Array): Response =>
  response(responseCode.content, { payload, etag: Uint8Array.of(1, 2, 3, 4), contentFormat: 60, kept: true });

describe('responses in blocks (Block2)', () => {
  test('a peer that stated no size gets blocks of 256 and continues with an empty body and a new token: one call', () => {
    const body = bytes(600);
    const peer = new Lockstep(() => kept(body));
    const [first] = peer.send({
      code: method.FETCH,
      messageId: 1,
      token: Uint8Array.of(1),
      options: [path],
      payload: bytes(3),
    });
    expect(findBlock(first?.options ?? [], optionNumber.block2)).toEqual({ num: 0, more: true, szx: 4 });
    const [second] = peer.send({
      code: method.FETCH,
      messageId: 2,
      token: Uint8Array.of(2, 2),
      options: [path, block2(1, 4)],
    });
    const [third] = peer.send({
      code: method.FETCH,
      messageId: 3,
      token: Uint8Array.of(3),
      options: [path, block2(2, 4)],
    });
    expect(findBlock(third?.options ?? [], optionNumber.block2)).toEqual({ num: 2, more: false, szx: 4 });
    expect(concatBytes([first, second, third].map((message) => message?.payload ?? bytes(0)))).toEqual(body);
    expect(second?.options.find((option) => option.number === optionNumber.etag)?.value).toEqual(
      Uint8Array.of(1, 2, 3, 4),
    );
    expect(peer.requests).toHaveLength(1);
  });

  test('the size that a peer states is honoured and remembered', () => {
    const peer = new Lockstep(() => kept(bytes(100)));
    const [first] = peer.send({ code: method.GET, messageId: 1, options: [path, block2(0, 1)] });
    expect(first?.payload).toHaveLength(32);
    const [later] = peer.send({ code: method.GET, messageId: 2, options: [path] });
    expect(later?.payload).toHaveLength(32);
  });

  test('an answer that fits carries no Block2, even when one was asked for', () => {
    const peer = new Lockstep(() => kept(bytes(16)));
    const [whole] = peer.send({ code: method.GET, messageId: 1, options: [path, block2(0, 0)] });
    expect(findOption(whole?.options ?? [], optionNumber.block2)).toBeUndefined();
  });

  test('a smaller size in the middle continues at the same place', () => {
    const body = bytes(200);
    const peer = new Lockstep(() => kept(body));
    peer.send({ code: method.GET, messageId: 1, options: [path, block2(0, 2)] });
    const [next] = peer.send({ code: method.GET, messageId: 2, options: [path, block2(4, 0)] });
    expect(next?.payload).toEqual(body.subarray(64, 80));
  });

  test('NUM past the end: 4.00', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path] });
    expect(peer.send({ code: method.FETCH, messageId: 2, options: [path, block2(2, 4)] })).toMatchObject([
      { code: responseCode.badRequest },
    ]);
    expect(peer.send({ code: method.FETCH, messageId: 3, options: [path, block2(0xfffff, 6)] })).toMatchObject([
      { code: responseCode.badRequest },
    ]);
  });

  test('SZX 7: 4.00', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    expect(peer.send({ code: method.GET, messageId: 1, options: [uintOption(optionNumber.block2, 7)] })).toMatchObject([
      { code: responseCode.badRequest },
    ]);
    expect(peer.send({ code: method.PUT, messageId: 2, options: [uintOption(optionNumber.block1, 7)] })).toMatchObject([
      { code: responseCode.badRequest },
    ]);
  });

  test('nothing kept: the application is told the block that is asked for', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path, block2(1, 4)] });
    expect(peer.requests[0]?.block2).toEqual({ num: 1, more: false, szx: 4 });
  });

  test('a response that is not kept is cut from what the application gives each time', () => {
    const body = bytes(300);
    const peer = new Lockstep(() => response(responseCode.content, { payload: body }));
    peer.send({ code: method.GET, messageId: 1, options: [path] });
    const [second] = peer.send({ code: method.GET, messageId: 2, options: [path, block2(1, 4)] });
    expect(second?.payload).toEqual(body.subarray(256));
    expect(peer.requests).toHaveLength(2);
  });

  test('a repeated payload must be that of the kept response', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path], payload: bytes(9) });
    const [same] = peer.send({ code: method.FETCH, messageId: 2, options: [path, block2(1, 4)], payload: bytes(9) });
    expect(same).toMatchObject({ code: responseCode.content, payload: bytes(300).subarray(256) });
    peer.send({ code: method.FETCH, messageId: 3, options: [path, block2(1, 4)], payload: bytes(8) });
    expect(peer.requests).toHaveLength(2); // not continued: the application decides
  });

  test('of two parallel reads without Request-Tag the newest wins; with Request-Tag both go on', () => {
    let call = 0;
    const bodies = [bytes(300, 1), bytes(300, 2), bytes(300, 3), bytes(300, 4)];
    const peer = new Lockstep(() => kept(bodies[call++] ?? bytes(0)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path], payload: bytes(1) });
    peer.send({ code: method.FETCH, messageId: 2, options: [path], payload: bytes(2) });
    const [newest] = peer.send({ code: method.FETCH, messageId: 3, options: [path, block2(1, 4)] });
    expect(newest?.payload).toEqual(bodies[1]?.subarray(256));
    peer.send({ code: method.FETCH, messageId: 4, options: [path, requestTag(1)], payload: bytes(1) });
    peer.send({ code: method.FETCH, messageId: 5, options: [path, requestTag(2)], payload: bytes(2) });
    const [one] = peer.send({ code: method.FETCH, messageId: 6, options: [path, block2(1, 4), requestTag(1)] });
    const [two] = peer.send({ code: method.FETCH, messageId: 7, options: [path, block2(1, 4), requestTag(2)] });
    expect([one?.payload, two?.payload]).toEqual([bodies[2]?.subarray(256), bodies[3]?.subarray(256)]);
  });

  test('another Accept, path, method or peer does not continue it', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path] });
    peer.send({ code: method.FETCH, messageId: 2, options: [path, uintOption(optionNumber.accept, 50), block2(1, 4)] });
    peer.send({ code: method.FETCH, messageId: 3, options: [stringOption(optionNumber.uriPath, 'y'), block2(1, 4)] });
    peer.send({ code: method.GET, messageId: 4, options: [path, block2(1, 4)] });
    peer.send({ code: method.FETCH, messageId: 5, options: [path, block2(1, 4)] }, 'another');
    expect(peer.requests.map((request) => request.block2?.num)).toEqual([undefined, 1, 1, 1, 1]);
  });

  test('it is forgotten five minutes after its last block was read', () => {
    const peer = new Lockstep(() => kept(bytes(600)));
    peer.send({ code: method.FETCH, messageId: 1, options: [path] });
    peer.advance(seconds(299));
    peer.send({ code: method.FETCH, messageId: 2, options: [path, block2(1, 4)] });
    peer.advance(seconds(299));
    peer.send({ code: method.FETCH, messageId: 3, options: [path, block2(2, 4)] });
    expect(peer.requests).toHaveLength(1);
    peer.advance(seconds(301));
    peer.send({ code: method.FETCH, messageId: 4, options: [path, block2(2, 4)] });
    expect(peer.requests).toHaveLength(2);
  });

  test('kept responses are bounded by count and bytes, oldest out', () => {
    const peer = new Lockstep(() => kept(bytes(5000)), { limits: { maxKeptBytes: 20_000 } });
    for (let i = 0; i < 20; i++) peer.send({ code: method.FETCH, messageId: i, options: [path, requestTag(i)] });
    expect(peer.engine.counters().keptBytes).toBeLessThanOrEqual(20_000);
    peer.send({ code: method.FETCH, messageId: 100, options: [path, requestTag(19), block2(1, 4)] });
    expect(peer.requests).toHaveLength(20);
    peer.send({ code: method.FETCH, messageId: 101, options: [path, requestTag(0), block2(1, 4)] });
    expect(peer.requests).toHaveLength(21);
  });

  test('Size2 only when it is asked for', () => {
    const peer = new Lockstep(() => kept(bytes(300)));
    const [silent] = peer.send({ code: method.GET, messageId: 1, options: [path] });
    expect(findUint(silent?.options ?? [], optionNumber.size2)).toBeUndefined();
    const [asked] = peer.send({ code: method.GET, messageId: 2, options: [path, uintOption(optionNumber.size2, 0)] });
    expect(findUint(asked?.options ?? [], optionNumber.size2)).toBe(300);
  });
});

describe('requests in blocks (Block1)', () => {
  const echo: Handler = (request) => response(responseCode.changed, { payload: request.payload.subarray(0, 4) });

  test('a body in blocks is one request; each block but the last gets 2.31, the last the answer with its Block1', () => {
    const body = bytes(150);
    const peer = new Lockstep(echo);
    const [one] = peer.send({
      code: method.POST,
      messageId: 1,
      options: [path, block1(0, true, 2)],
      payload: body.subarray(0, 64),
    });
    expect(one).toMatchObject({ type: messageType.ACK, code: responseCode.continue });
    expect(findBlock(one?.options ?? [], optionNumber.block1)).toEqual({ num: 0, more: true, szx: 2 });
    peer.send({
      code: method.POST,
      messageId: 2,
      options: [path, block1(1, true, 2)],
      payload: body.subarray(64, 128),
    });
    expect(peer.requests).toEqual([]);
    const [last] = peer.send({
      code: method.POST,
      messageId: 3,
      options: [path, block1(2, false, 2)],
      payload: body.subarray(128),
    });
    expect(last).toMatchObject({ code: responseCode.changed, payload: body.subarray(0, 4) });
    expect(findBlock(last?.options ?? [], optionNumber.block1)).toEqual({ num: 2, more: false, szx: 2 });
    expect(peer.requests.map((request) => request.payload)).toEqual([body]);
    expect(peer.engine.counters().assemblyBytes).toBe(0);
  });

  test('a missing block: 4.08, and the body has to start again', () => {
    const peer = new Lockstep(echo);
    peer.send({ code: method.POST, messageId: 1, options: [path, block1(0, true, 0)], payload: bytes(16) });
    const skipped = { code: method.POST, options: [path, block1(2, true, 0)], payload: bytes(16, 2) };
    expect(peer.send({ ...skipped, messageId: 2 })).toMatchObject([{ code: responseCode.requestEntityIncomplete }]);
    const next = { code: method.POST, options: [path, block1(1, true, 0)], payload: bytes(16, 1) };
    expect(peer.send({ ...next, messageId: 3 })).toMatchObject([{ code: responseCode.requestEntityIncomplete }]);
  });

  test('the last block again under a new Message ID is no error', () => {
    const peer = new Lockstep(echo);
    peer.send({ code: method.POST, messageId: 1, options: [path, block1(0, true, 0)], payload: bytes(16) });
    expect(
      peer.send({ code: method.POST, messageId: 2, options: [path, block1(0, true, 0)], payload: bytes(16) }),
    ).toMatchObject([{ code: responseCode.continue }]);
    const again = { code: method.POST, options: [path, block1(1, true, 0)], payload: bytes(16, 1) };
    peer.send({ ...again, messageId: 3 });
    expect(peer.send({ ...again, messageId: 4 })).toMatchObject([{ code: responseCode.continue }]);
    peer.send({ code: method.POST, messageId: 5, options: [path, block1(2, false, 0)], payload: bytes(1) });
    expect(peer.requests[0]?.payload).toEqual(concatBytes([bytes(16), bytes(16, 1), bytes(1)]));
  });

  test('a block that is not the last and has not the size it states: 4.00', () => {
    const peer = new Lockstep(echo);
    for (const [messageId, length] of [
      [1, 15],
      [2, 17],
      [3, 0],
    ] as const) {
      const block = { code: method.POST, messageId, options: [path, block1(0, true, 0)], payload: bytes(length) };
      expect(peer.send(block)).toMatchObject([{ code: responseCode.badRequest }]);
    }
  });

  test('too large, announced or reached: 4.13 with Size1', () => {
    const peer = new Lockstep(echo, { transmission: { maxBodyBytes: 100 } });
    const size1 = uintOption(optionNumber.size1, 101);
    const announced = {
      code: method.POST,
      messageId: 1,
      options: [path, block1(0, true, 2), size1],
      payload: bytes(64),
    };
    const [refused] = peer.send(announced);
    expect(refused?.code).toBe(responseCode.requestEntityTooLarge);
    expect(findUint(refused?.options ?? [], optionNumber.size1)).toBe(100);
    peer.send({ code: method.POST, messageId: 2, options: [path, block1(0, true, 2)], payload: bytes(64) });
    expect(
      peer.send({ code: method.POST, messageId: 3, options: [path, block1(1, true, 2)], payload: bytes(64) }),
    ).toMatchObject([{ code: responseCode.requestEntityTooLarge }]);
    expect(peer.send({ code: method.POST, messageId: 4, options: [path], payload: bytes(101) })).toMatchObject([
      { code: responseCode.requestEntityTooLarge },
    ]);
    expect(peer.requests).toEqual([]);
  });

  test('bodies of one peer with different Cache-Keys, and of different peers, do not mix', () => {
    const peer = new Lockstep(echo);
    const part = (messageId: number, num: number, tag: number, name: string): void => {
      const payload = bytes(16, tag * 10 + num);
      peer.send(
        { code: method.POST, messageId, options: [path, requestTag(tag), block1(num, num < 1, 0)], payload },
        name,
      );
    };
    part(1, 0, 1, 'a');
    part(2, 0, 2, 'a');
    part(1, 0, 3, 'b');
    part(3, 1, 1, 'a');
    part(4, 1, 2, 'a');
    part(2, 1, 3, 'b');
    expect(peer.requests.map((request) => request.payload)).toEqual(
      [1, 2, 3].map((tag) => concatBytes([bytes(16, tag * 10), bytes(16, tag * 10 + 1)])),
    );
  });

  test('bodies under assembly are bounded by bytes, oldest out', () => {
    const peer = new Lockstep(echo, { limits: { maxAssemblyBytes: 50_000 } });
    for (let i = 0; i < 200; i++) {
      peer.send({
        code: method.PUT,
        messageId: i,
        options: [path, requestTag(i), block1(0, true, 6)],
        payload: bytes(1024),
      });
    }
    expect(peer.engine.counters().assemblyBytes).toBeLessThanOrEqual(50_000);
  });

  test('Observe is no part of the Cache-Key: it may come with the last block alone (RFC 7641 §2)', () => {
    const peer = new Lockstep(echo);
    peer.send({ code: method.FETCH, messageId: 1, options: [path, block1(0, true, 0)], payload: bytes(16) });
    const last = [path, uintOption(optionNumber.observe, 0), block1(1, false, 0)];
    peer.send({ code: method.FETCH, messageId: 2, options: last, payload: bytes(4) });
    expect(peer.requests.map((request) => request.payload.length)).toEqual([20]);
  });

  test('a block of a body is assembled also where a later block of the answer is asked for with it', () => {
    const peer = new Lockstep(echo);
    const [answer] = peer.send({
      code: method.PUT,
      messageId: 1,
      options: [path, block1(0, true, 0), block2(1, 0)],
      payload: bytes(16),
    });
    expect(answer?.code).toBe(responseCode.continue);
    expect(peer.requests).toEqual([]);
  });

  test('a body that is sent whole again, in blocks, with a request for a later block continues the kept response', () => {
    const peer = new Lockstep(() => kept(bytes(600)));
    const body = bytes(20);
    const send = (messageId: number, num: number): Message | undefined => {
      const up = (at: number): readonly Option[] => [
        path,
        block1(at, at === 0, 0),
        ...(at === 1 ? [block2(num, 4)] : []),
      ];
      const fetch = { code: method.FETCH };
      peer.send({ ...fetch, messageId, options: up(0), payload: body.subarray(0, 16) });
      return peer.send({ ...fetch, messageId: messageId + 1, options: up(1), payload: body.subarray(16) })[0];
    };
    send(1, 0);
    const later = send(3, 1);
    expect(later).toMatchObject({ code: responseCode.content, payload: bytes(600).subarray(256, 512) });
    expect(findBlock(later?.options ?? [], optionNumber.block1)).toEqual({ num: 1, more: false, szx: 0 });
    expect(peer.requests).toHaveLength(1);
  });

  test('2.31 is never suppressed by No-Response', () => {
    const peer = new Lockstep(echo);
    const quiet = uintOption(optionNumber.noResponse, 26);
    const options = [path, quiet, block1(0, true, 0)];
    expect(
      peer.send({ type: messageType.NON, code: method.POST, messageId: 1, options, payload: bytes(16) }),
    ).toMatchObject([{ type: messageType.NON, code: responseCode.continue }]);
    expect(
      peer.send({
        type: messageType.NON,
        code: method.POST,
        messageId: 2,
        options: [path, quiet, block1(1, false, 0)],
        payload: bytes(1),
      }),
    ).toEqual([]);
    expect(peer.requests).toHaveLength(1);
  });

  test('a 5 KB body in 64-byte blocks and a 20 KB answer in 32-byte blocks, two transfers interleaved', () => {
    const answers = [bytes(20_000, 5), bytes(20_000, 6)];
    const peer = new Lockstep((request) => kept(answers[request.payload[0] === 1 ? 0 : 1] ?? bytes(0)));
    const uploads = [bytes(5000, 1), bytes(5000, 2)];
    let messageId = 0;
    for (let num = 0; num * 64 < 5000; num++) {
      for (const [tag, body] of uploads.entries()) {
        const more = (num + 1) * 64 < 5000;
        const options = [path, requestTag(tag), block1(num, more, 2), ...(more ? [] : [block2(0, 1)])];
        peer.send({
          code: method.FETCH,
          messageId: ++messageId,
          options,
          payload: body.subarray(num * 64, num * 64 + 64),
        });
      }
    }
    expect(peer.requests.map((request) => request.payload)).toEqual(uploads);
    const read: Uint8Array[][] = [[], []];
    for (let num = 0; num * 32 < 20_000; num++) {
      for (const tag of [0, 1]) {
        const options = [path, requestTag(tag), block2(num, 1)];
        // Block 0 came with the last block of the body; asking for it anew would be a new request.
        if (num === 0) read[tag]?.push(answers[tag]?.subarray(0, 32) ?? bytes(0));
        else
          read[tag]?.push(peer.send({ code: method.FETCH, messageId: ++messageId, options })[0]?.payload ?? bytes(0));
      }
    }
    expect(read.map((blocks) => concatBytes(blocks))).toEqual(answers);
    expect(peer.requests).toHaveLength(2);
  });
});
