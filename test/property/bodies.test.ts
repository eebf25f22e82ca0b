/**
 * Blocks of several bodies in any order, lost, repeated and mixed: a body is handed over when it is whole, once, as it was cut, and
 * never otherwise (RFC 7959 §2.5). And an answer read block by block, in any order, comes of one execution.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBlock } from '../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { opaqueOption, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { response } from '../../src/coap/response.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import { Lockstep } from '../coap/lockstep.ts';
import { BodyModel, type BlockOutcome } from './model.ts';

const codeOf = {
  continue: responseCode.continue,
  incomplete: responseCode.requestEntityIncomplete,
  whole: responseCode.changed,
} as const satisfies Record<BlockOutcome, number>;

const block = fc.record({
  body: fc.nat(2),
  num: fc.nat(4),
  more: fc.boolean(),
  /** The same datagram this many times. */
  copies: fc.integer({ min: 1, max: 3 }),
});

/** Block `num` of body `body` is 16 times this byte. */
const contentOf = (body: number, num: number): Uint8Array => new Uint8Array(16).fill(body * 16 + num);

test('a body is handed over when it is whole, once, and as it was cut', () => {
  let wholeOfMany = 0;
  // Mostly forward, so that bodies of many blocks are finished.
  const forward = fc.array(fc.nat(2), { maxLength: 12 }).map((bodies) => {
    const next = [0, 0, 0];
    return bodies.map((body) => {
      const num = next[body] ?? 0;
      const more = num < 3;
      next[body] = more ? num + 1 : 0;
      return { body, num, more, copies: 1 };
    });
  });
  const mixed = fc.tuple(forward, fc.array(block, { maxLength: 10 }), forward).map((parts) => parts.flat());
  fc.assert(
    fc.property(mixed, (blocks) => {
      const models = [new BodyModel(), new BodyModel(), new BodyModel()];
      const peer = new Lockstep(() => response(responseCode.changed));
      blocks.forEach(({ body, num, more, copies }, index) => {
        const before = peer.requests.length;
        const outcome = models[body]?.next(num, more) ?? 'incomplete';
        const options = [
          stringOption(optionNumber.uriPath, String(body)),
          opaqueOption(optionNumber.block1, encodeBlock({ num, more, szx: 0 })),
        ];
        for (let copy = 0; copy < copies; copy++) {
          const message = { code: method.POST, messageId: index, options, payload: contentOf(body, num) };
          expect(peer.send(message)).toMatchObject([{ code: codeOf[outcome] }]);
        }
        expect(peer.requests.length - before).toBe(outcome === 'whole' ? 1 : 0);
        if (outcome !== 'whole') return;
        if (num > 0) wholeOfMany++;
        const expected = Array.from({ length: num + 1 }, (_, at) => contentOf(body, at));
        expect(peer.requests.at(-1)?.payload).toEqual(concatBytes(expected));
      });
    }),
    { numRuns: 400 },
  );
  expect(wholeOfMany).toBeGreaterThan(100);
});

test('an answer that is read block by block, in any order and size, comes of one execution', () => {
  const reads = fc.array(fc.record({ num: fc.nat(80), szx: fc.constantFrom(0 as const, 1 as const, 2 as const) }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 1200 }), reads, (length, blocks) => {
      const body = Uint8Array.from({ length }, (_, at) => at & 0xff);
      const peer = new Lockstep(() => response(responseCode.content, { payload: body, kept: true }));
      peer.send({ code: method.FETCH, messageId: 0, payload: Uint8Array.of(1) });
      blocks.forEach(({ num, szx }, index) => {
        const options = [opaqueOption(optionNumber.block2, encodeBlock({ num: num + 1, more: false, szx }))];
        const [answer] = peer.send({ code: method.FETCH, messageId: index + 1, token: Uint8Array.of(index), options });
        const size = 16 << szx;
        const from = (num + 1) * size;
        expect(answer?.code).toBe(from < length ? responseCode.content : responseCode.badRequest);
        expect(answer?.payload).toEqual(from < length ? body.slice(from, from + size) : new Uint8Array(0));
      });
      expect(peer.requests).toHaveLength(1);
    }),
    { numRuns: 200 },
  );
});
