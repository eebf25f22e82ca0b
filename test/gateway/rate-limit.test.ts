/** Whose requests a rate counts. */
import { expect, test } from 'vitest';
import type { Endpoint } from '../../src/core/datagram.ts';
import type { Instant } from '../../src/core/duration.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { endpointOf } from '../coap/lockstep.ts';

const at = 0 as Instant;
const own = { perSecond: 1, burst: 2 };
const association = (key: string, name: string): Endpoint => ({
  ...endpointOf(key),
  key,
  principal: { name, groups: [] },
});
const limit = (): RateLimit => new RateLimit({ perSecond: 1, burst: 2, loopback: true, maxPeers: 10 });

test("the rate of an access rule is the identity's over all its associations, and no other's", () => {
  const rate = limit();
  const taken = ['1', '2', '3'].map((key) => rate.take(association(key, 'meter'), at, own));
  expect(taken).toEqual([undefined, undefined, 1000]);
  expect(rate.take(association('4', 'lamp'), at, own)).toBeUndefined();
});

test('the rate for everybody is of each peer: an address and port, an association', () => {
  const rate = limit();
  for (const key of ['1', '2', '3']) {
    expect([0, 1, 2].map(() => rate.take(association(key, 'meter'), at))).toEqual([undefined, undefined, 1000]);
  }
});

test('who has not said who it is has the rate of a rule for each of its addresses', () => {
  const rate = limit();
  for (const key of ['1', '2']) {
    const peer = { ...endpointOf(key), key };
    expect([0, 1, 2].map(() => rate.take(peer, at, own))).toEqual([undefined, undefined, 1000]);
  }
});
