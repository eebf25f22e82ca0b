import { expect, test } from 'vitest';
import { Deduplicator } from '../../../src/coap/exchange/deduplication.ts';
import { Peer } from '../../../src/coap/exchange/peer.ts';
import { defaultParameters } from '../../../src/coap/parameters.ts';
import { after, type Instant } from '../../../src/core/duration.ts';
import { endpointOf } from '../lockstep.ts';

const start = 0 as Instant;

test('unsafe records are bounded by count, also those whose bytes have one hash', () => {
  const deduplicator = new Deduplicator({ maxUnsafe: 3, maxSafeBytes: 1 << 20 });
  const peer = new Peer(endpointOf('device'), 1, defaultParameters, 0);
  const open = (messageId: number, now: Instant): unknown => deduplicator.open(peer, messageId, 1, false, true, now);
  expect([1, 2, 3, 4].map((messageId) => open(messageId, start) === 'full')).toEqual([false, false, false, true]);
  expect([peer.holds, deduplicator.unsafeRecords]).toEqual([3, 3]);
  const over = after(start, defaultParameters.exchangeLifetime);
  expect(open(5, over)).not.toBe('full');
  expect([peer.holds, deduplicator.unsafeRecords]).toEqual([1, 1]);
});
