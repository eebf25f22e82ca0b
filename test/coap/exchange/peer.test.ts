import { expect, test } from 'vitest';
import { Peer } from '../../../src/coap/exchange/peer.ts';
import { Transmissions } from '../../../src/coap/exchange/transmission.ts';
import { defaultParameters } from '../../../src/coap/parameters.ts';
import type { Instant } from '../../../src/core/duration.ts';
import { TimerWheel } from '../../../src/core/timer-wheel.ts';
import { endpointOf } from '../lockstep.ts';

test('the Message ID of a message that is under way is not given again (RFC 7252 §4.4)', () => {
  const peer = new Peer(endpointOf('device'), 1, defaultParameters, 100);
  const transmissions = new Transmissions(
    new TimerWheel(),
    () => undefined,
    () => 0.5,
  );
  const owner = { acknowledged: () => undefined, reset: () => undefined, timedOut: () => undefined };
  const underWay = peer.nextMessageId();
  transmissions.send(peer, underWay, new Uint8Array(4), owner, 0 as Instant);
  const given = new Set(Array.from({ length: 0x10000 }, () => peer.nextMessageId()));
  expect(given.size).toBe(0xffff);
  expect(given.has(underWay)).toBe(false);
});
