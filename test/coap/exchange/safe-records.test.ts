/** Against a plain model: what is found was opened, is not over, and has the reply that was written. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Peer } from '../../../src/coap/exchange/peer.ts';
import { SafeRecords } from '../../../src/coap/exchange/safe-records.ts';
import { defaultParameters } from '../../../src/coap/parameters.ts';
import type { Instant } from '../../../src/core/duration.ts';
import { endpointOf } from '../lockstep.ts';

const peers = ['a', 'b', 'c'].map((name, at) => new Peer(endpointOf(name), at + 1, defaultParameters, 0));
const peerAt = (at: number): Peer => peers[at] ?? new Peer(endpointOf('none'), 99, defaultParameters, 0);
const at = (time: number): Instant => time as Instant;

const step = fc.record({
  peer: fc.nat({ max: 2 }),
  messageId: fc.constantFrom(0, 1, 7, 0xffff),
  fingerprint: fc.constantFrom(0, 1, -1, 0x12345678),
  lifetime: fc.integer({ min: 1, max: 50 }),
  passes: fc.nat({ max: 20 }),
  reply: fc.option(fc.uint8Array({ minLength: 4, maxLength: 300 })),
});

describe('records of safe requests', () => {
  test('what is found is alive and has its own reply, whatever was opened and forgotten between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(400, 4000, 100_000), (steps, maxBytes) => {
        const records = new SafeRecords(maxBytes);
        const model = new Map<string, { expires: number; reply: Uint8Array | undefined }>();
        let now = 0;
        for (const { peer, messageId, fingerprint, lifetime, passes, reply } of steps) {
          now += passes;
          records.expire(at(now));
          const key = `${peer} ${messageId} ${fingerprint}`;
          const known = model.get(key);
          const found = records.find(peerAt(peer), messageId, fingerprint, at(now));
          if (found !== undefined) {
            expect(known).toBeDefined();
            expect(known?.expires).toBeGreaterThan(now);
            expect(found.reply).toEqual(known?.reply);
            continue;
          }
          const ticket = records.open(peerAt(peer), messageId, fingerprint, at(now + lifetime));
          const room = reply === null ? undefined : records.room(ticket, reply.length);
          if (reply !== null) room?.set(reply);
          model.set(key, { expires: now + lifetime, reply: room === undefined ? undefined : (reply ?? undefined) });
        }
      }),
      { numRuns: 300 },
    );
  });

  test('while there is room for all, not one in a hundred is lost', () => {
    const records = new SafeRecords(1 << 20);
    const [peer] = peers;
    const reply = new Uint8Array(30).fill(7);
    if (peer === undefined) throw new Error('no peer');
    for (let id = 0; id < 1000; id++) {
      const ticket = records.open(peer, id, id * 7919, at(100));
      records.room(ticket, reply.length)?.set(reply);
    }
    const lost = Array.from({ length: 1000 }, (_, id) => records.find(peer, id, id * 7919, at(99))).filter(
      (found) => found?.reply?.[29] !== 7,
    );
    expect(lost.length).toBeLessThan(10);
    expect(records.size).toBe(1000);
  });

  test('a reply is written once; a ticket whose record has gone lets none in', () => {
    const records = new SafeRecords(400); // 8 places
    const ticket = records.open(peerAt(0), 1, 1, at(100));
    expect(records.room(ticket, 4)).toHaveLength(4);
    expect(records.room(ticket, 4)).toBeUndefined();
    const early = records.open(peerAt(0), 2, 2, at(100));
    for (let id = 10; id < 30; id++) records.open(peerAt(1), id, id, at(100));
    expect(records.room(early, 4)).toBeUndefined();
  });

  test('when the last one is over, nothing is kept', () => {
    const records = new SafeRecords(100_000);
    records.room(records.open(peerAt(0), 1, 1, at(100)), 40);
    expect(records.bytes).toBeGreaterThan(40);
    records.expire(at(100));
    expect([records.size, records.bytes]).toEqual([0, 0]);
  });
});
