import { afterAll, beforeAll, expect, test } from 'vitest';
import { Asker } from './asked.ts';
import type { Datagram } from '../../src/core/datagram.ts';
import { endpointOf, Stack } from './stack.ts';

let stack: Stack;
let asker: Asker;
beforeAll(async () => {
  stack = await Stack.open({ uniform: () => 0.5 });
  asker = new Asker(stack);
});
afterAll(() => stack.close());

test('no byte, one, two or three: silence, each of the 16,843,009 that there are', { timeout: 60_000 }, async () => {
  expect(await asker.send(new Uint8Array(0))).toBe('nothing');
  const { engine, now } = stack;
  const before = engine.counters().malformed;
  for (let length = 1; length <= 3; length++) {
    const batch = Array.from({ length: 256 }, (_, last) => datagram(new Uint8Array(length).fill(last)));
    for (let n = 0; n < 256 ** (length - 1); n++) {
      for (const { bytes } of batch) for (let i = 0; i < length - 1; i++) bytes[i] = n >>> (8 * i);
      engine.receive(batch, now);
    }
  }
  expect(engine.takeOutput()).toEqual([]);
  expect(engine.counters().malformed - before).toBe(256 + 256 ** 2 + 256 ** 3);
  expect(engine.counters()).toMatchObject({ pending: 0, timers: 0, safeRecords: 0, unsafeRecords: 0 });
});

const datagram = (bytes: Uint8Array): Datagram => ({ bytes, endpoint: endpointOf('near-1'), multicast: false });

/** First byte and code in full; the Message ID says nothing but who is meant, so one of each is enough. */
test('four bytes: every version, type, token length and code', { timeout: 60_000 }, async () => {
  const seen = new Map<string, number>();
  for (let first = 0; first < 256; first++) {
    for (let code = 0; code < 256; code++) {
      const answer = await asker.send(Uint8Array.of(first, code, first, code));
      seen.set(answer, (seen.get(answer) ?? 0) + 1);
      if (answer !== expected(first, code))
        expect({ first, code, answer }).toEqual({ first, code, answer: expected(first, code) });
    }
  }
  expect(seen.size).toBeGreaterThan(2);
  await stack.advance(3_600_000);
  await stack.advance(3_600_000);
  expect(stack.engine.counters()).toMatchObject({ pending: 0, timers: 0, safeRecords: 0, unsafeRecords: 0 });
});

/** RFC 7252 §3, §4.2, §4.3, worked out by hand: a datagram of four bytes is a whole message only where it has no token. */
function expected(first: number, code: number): string {
  const type = (first >> 4) & 3;
  if (first >> 6 !== 1 || type >= 2) return 'nothing';
  const confirmable = type === 0;
  if ((first & 15) !== 0 || code === 0) return confirmable ? 'RST' : 'nothing';
  if (code < 32) return '4.04'; // of the empty path, whatever the method
  const isResponse = [2, 4, 5].includes(code >> 5);
  return confirmable || isResponse ? 'RST' : 'nothing';
}
