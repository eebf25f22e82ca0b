/** Frames of a Python process, which may say anything: put together from any pieces, and believed in nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor } from '../../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../../src/cbor/encode.ts';
import { ObjectReference } from '../../../../src/core/object-reference.ts';
import type { Value } from '../../../../src/core/value.ts';
import { milliseconds } from '../../../../src/core/duration.ts';
import {
  abortFrame,
  BrokenPythonFrame,
  FrameAssembler,
  readFrame,
  runFrame,
} from '../../../../src/functions/runtimes/python/frames.ts';
import { encodeInOrder } from '../../../../src/functions/runtimes/python/in-order.ts';
import { anyValue, expectSame } from '../../../cbor/values.ts';

const framed = (payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, 4);
  return frame;
};

const say = (...message: Value[]): ReturnType<typeof readFrame> => readFrame(encodeCbor(message));

describe('frames', () => {
  it('are put together from pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (payloads, sizes) => {
          const stream = Uint8Array.from(payloads.flatMap((payload) => [...framed(payload)]));
          const assembler = new FrameAssembler();
          const got: Uint8Array[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            got.push(...assembler.add(stream.slice(at, at + size)));
            at += size;
          }
          expect(got).toEqual(payloads);
        },
      ),
    );
  });

  it('of an absurd length are refused before they are waited for', () => {
    expect(() => new FrameAssembler().add(Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toThrow(BrokenPythonFrame);
  });

  it('carry a run with its arguments in a byte string of their own', () => {
    const run = runFrame({
      kind: 'run',
      id: 7,
      slot: 0,
      method: 'f',
      args: [1, undefined, { b: 1, a: -0 }],
      caller: { identity: 'lamp', groups: ['hall'], peer: 'p' },
      correlationId: 'c',
      remaining: milliseconds(100),
      timeLimit: milliseconds(50),
    });
    const message = decodeCbor(run.subarray(4)) as readonly Value[];
    expect(message.slice(0, 9)).toEqual([1, 7, 'f', 100, 50, 'lamp', ['hall'], 'p', 'c']);
    const args = decodeCbor(message[9] as Uint8Array) as readonly Value[];
    expect(args).toEqual([1, undefined, { b: 1, a: -0 }]);
    expect(Object.keys(args[2] as object)).toEqual(['b', 'a']);
    expect(message[10]).toBe(false);
    expect(decodeCbor(abortFrame(7).subarray(4))).toEqual([2, 7]);
  });

  it('say how a call ended', () => {
    expect(say(3, 7, 'peer', ['t'], encodeCbor({ b: 1, a: 2 }))).toMatchObject({
      kind: 'done',
      id: 7,
      readCaller: 'peer',
      tags: ['t'],
      returned: { value: { a: 2, b: 1 } },
    });
    expect(say(3, 7, false, [], null)).toMatchObject({ returned: { value: undefined } });
    expect(
      say(4, 7, 'function-failed', 'It raised.', null, 'E', 'text', null, encodeCbor({ part: 'A' })),
    ).toMatchObject({
      kind: 'failed',
      failure: { problem: 'function-failed', thrown: { name: 'E', message: 'text', attributes: { part: 'A' } } },
    });
    expect(say(5, 7)).toEqual({ kind: 'yielded', id: 7 });
    expect(say(7, 'tag', 'x')).toEqual({ kind: 'invalidate', what: { tag: 'x' } });
    expect(say(2, "open '/srv/secret/db'")).toEqual({ kind: 'load-failed', failure: { message: "open 'db'" } });
  });

  it.each([[[1]], [new Map([[1, 2]])], [5]])('whose attributes have no names are refused: %j', (attributes: Value) => {
    const failed = (): unknown =>
      say(4, 7, 'function-failed', 'It raised.', null, 'E', 'text', null, encodeCbor(attributes));
    expect(failed).toThrow(BrokenPythonFrame);
  });

  it('carry objects as references, both ways, and say how often each was given', () => {
    const run = runFrame({
      kind: 'run',
      id: 7,
      slot: 0,
      method: 'f',
      args: [[new ObjectReference('3kP0aZ_q', ['Account'])]],
      caller: { identity: 'local', peer: 'p' },
      correlationId: 'c',
      remaining: milliseconds(100),
      timeLimit: milliseconds(50),
    });
    const reference = [0xd8, 39, 0x6b, ...new TextEncoder().encode('/o/3kP0aZ_q')];
    expect((decodeCbor(run.subarray(4)) as readonly Value[])[9]).toEqual(Uint8Array.of(0x81, 0x81, ...reference));
    const done = say(3, 7, false, [], Uint8Array.from(reference), [['3kP0aZ_q', 'Account', 2]]);
    expect(done).toMatchObject({
      returned: { cbor: Uint8Array.from(reference), value: '/o/3kP0aZ_q' },
      objects: [{ id: '3kP0aZ_q', class: 'Account', times: 2 }],
    });
    expect(say(3, 7, false, [], encodeCbor(1))).toHaveProperty('objects', undefined);
    // Where none are said to be there, there are none.
    expect(say(3, 7, false, [], Uint8Array.from(reference))).toMatchObject({ kind: 'failed' });
    expect(say(4, 7, 'no-such-object', 'It is gone.', null, null, null, null, null)).toMatchObject({
      failure: { problem: 'no-such-object', message: 'It is gone.' },
    });
  });

  it('say who was looked at in no other words than there are', () => {
    const looked = (what: Value): unknown => {
      const said = say(3, 1, what, [], encodeCbor(1));
      return said.kind === 'done' ? said.readCaller : said.kind;
    };
    expect(['identity', 'peer', false, true, 'everybody', null].map(looked)).toEqual([
      'identity',
      'peer',
      false,
      false,
      false,
      false,
    ]);
  });

  it('with a result that is no CBOR fail their call, and nothing else', () => {
    expect(say(3, 7, false, [], Uint8Array.of(0xff))).toMatchObject({
      kind: 'failed',
      id: 7,
      failure: { problem: 'unencodable-result' },
    });
  });

  it.each([
    ['no CBOR', Uint8Array.of(0xff)],
    ['no list', encodeCbor({ a: 1 })],
    ['an unknown kind', encodeCbor([99])],
    ['no id', encodeCbor([5, 'x'])],
    ['a result that is no byte string', encodeCbor([3, 1, false, [], 'text'])],
    ['an unknown problem', encodeCbor([4, 1, 'no-such-library', 'x', null, null, null, null, null])],
    ['a tag that is no text', encodeCbor([3, 1, false, [5], null])],
    ['an object that is no list', encodeCbor([3, 1, false, [], null, ['3kP0aZ_q']])],
    ['an object without a count', encodeCbor([3, 1, false, [], null, [['3kP0aZ_q', 'Account']]])],
  ])('that say %s are refused', (_, bytes) => {
    expect(() => readFrame(bytes)).toThrow(BrokenPythonFrame);
  });

  it('of any bytes are understood or refused, and never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readFrame(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenPythonFrame);
        }
      }),
    );
  });
});

it('values are written in their own order and come back as they went', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expectSame(decodeCbor(encodeInOrder(value).bytes), value);
    }),
  );
  expect([...encodeInOrder({ bb: 1, a: 2 }).bytes]).toEqual([0xa2, 0x62, 0x62, 0x62, 1, 0x61, 0x61, 2]);
});

it('values are plain where every decoder makes the same of them', () => {
  const plain: readonly Value[] = [1, -0, NaN, 2n ** 70n, 'ä', null, true, new Uint8Array(2), [[{ a: [{}] }]]];
  for (const value of plain) expect([value, encodeInOrder([value]).isPlain]).toEqual([value, true]);
  const others: readonly Value[] = [
    undefined,
    new Date(0),
    new Map([[1, 2]]),
    new ObjectReference('3kP0aZ_q', ['Account']),
    { '\ud800': 1, '\ud801': 2 },
    // cbor2 reads what is longer than 64 KiB in pieces, and not every version does it rightly.
    '€'.repeat(21_846),
    { ['€'.repeat(21_846)]: 1 },
  ];
  expect(encodeInOrder('€'.repeat(21_845)).isPlain).toBe(true);
  for (const value of others) {
    expect([value, encodeInOrder({ a: [value] }).isPlain]).toEqual([value, false]);
    if (value instanceof Map) expect(encodeInOrder(value).isPlain).toBe(false);
  }
  // What one value was says nothing of the next.
  expect(encodeInOrder([1]).isPlain).toBe(true);
});
