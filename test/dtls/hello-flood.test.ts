/** Which share of the ClientHellos a server says is of use while too many come, and who comes in meanwhile. */
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import type { HelloShares } from '../../src/core/datagram.ts';
import { after, milliseconds, type Instant } from '../../src/core/duration.ts';
import { encodeHandshake } from '../../src/dtls/handshake-message.ts';
import { encodeClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeHelloVerifyRequest } from '../../src/dtls/messages/hello-verify-request.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { encodePlaintext } from '../../src/dtls/record.ts';
import { endpointOf, Host, pskServer } from './link.ts';
import { plainHello } from './puppet.ts';

const slice = milliseconds(100);
const perSecond = 100;

const helloOf = (change: Partial<typeof plainHello> = {}): Uint8Array =>
  encodePlaintext(
    22,
    0,
    0,
    encodeHandshake({ type: 'client_hello', sequence: 0, body: encodeClientHello({ ...plainHello, ...change }) }),
  );
const fresh = helloOf();
const forged = helloOf({ cookie: new Uint8Array(16).fill(7) });

class Flooded {
  now = 1000 as Instant;
  readonly server = new Host(
    { server: pskServer, limits: { ...defaultDtlsLimits, maxHellosPerSecond: perSecond } },
    this.now,
  );
  #passed = { fresh: 0, returning: 0 };

  get shares(): HelloShares {
    return this.server.engine.helloShares;
  }

  /** What comes of a datagram that reaches the server: whether it is answered. */
  offer(bytes: Uint8Array, from = 'somebody'): Uint8Array | undefined {
    const { engine } = this.server;
    if (engine.refuses(bytes, 0, bytes.length, this.now)) return undefined;
    this.server.receive(bytes, endpointOf(from, 'server'), this.now);
    return engine.takeOutput()[0]?.bytes;
  }

  /** So many a second of each, spread evenly over some slices; how many were answered. With `heeded`, only the share of each comes. */
  flood(rates: Partial<HelloShares>, slices: number, heeded = true): number {
    let answered = 0;
    const rate = { fresh: 0, returning: 0, ...rates };
    for (let step = 0; step < slices * 10; step++) {
      for (const [kind, bytes] of [
        ['fresh', fresh],
        ['returning', forged],
      ] as const) {
        for (let i = 0; i < rate[kind] / 100; i++) {
          this.#passed[kind] += heeded ? this.shares[kind] : 1;
          if (this.#passed[kind] < 1) continue;
          this.#passed[kind]--;
          if (this.offer(bytes, `victim-${i}`) !== undefined) answered++;
        }
      }
      this.now = after(this.now, milliseconds(slice / 10));
      const deadline = this.server.engine.nextDeadline();
      if (deadline !== undefined && deadline <= this.now) this.server.engine.poll(this.now);
    }
    return answered;
  }
}

const everybody: HelloShares = { fresh: 1, returning: 1 };

describe('of ClientHellos that come', () => {
  test('one in a datagram is looked at and answered, however many are in it', () => {
    const { server, now } = new Flooded();
    server.receive(concatBytes(Array.from({ length: 2 * perSecond }, () => fresh)), endpointOf('many', 'server'), now);
    expect(server.engine.takeOutput()).toHaveLength(1);
    expect(server.engine.counters().droppedRecords).toBe(2 * perSecond - 1);
    // The others' turns are theirs still.
    for (let i = 1; i < perSecond; i++) server.receive(fresh, endpointOf(`other-${i}`, 'server'), now);
    expect(server.engine.takeOutput()).toHaveLength(perSecond - 1);
  });

  test('all are of use while there is room for them, and nothing is to be thought over', () => {
    const flooded = new Flooded();
    flooded.flood({ fresh: perSecond }, 20);
    expect(flooded.shares).toEqual(everybody);
    // A burst that the bucket holds.
    for (let i = 0; i < 50; i++) flooded.offer(fresh);
    flooded.now = after(flooded.now, slice);
    flooded.offer(fresh);
    expect(flooded.shares).toEqual(everybody);
    expect(flooded.server.engine.nextDeadline()).toBe(undefined);
  });

  test.each([
    [10, 'fresh', 'returning'],
    [2, 'fresh', 'returning'],
    [10, 'returning', 'fresh'],
  ] as const)(
    'so many that are %i times too many are of use only in part, if %s, and all others still',
    (times, kind, other) => {
      const flooded = new Flooded();
      flooded.flood({ [kind]: times * perSecond }, 15);
      const { [kind]: share, [other]: others } = flooded.shares;
      expect(share).toBeGreaterThan(0.8 / times);
      expect(share).toBeLessThan(1.2 / times);
      expect(others).toBe(1);
      // And those that are looked at stay as many.
      const answered = flooded.flood({ [kind]: times * perSecond }, 20);
      expect(answered).toBeGreaterThan(2 * perSecond * 0.8);
      expect(answered).toBeLessThanOrEqual(2 * perSecond * 1.1);
    },
  );

  test('the share is another object only when it is another share', () => {
    const flooded = new Flooded();
    const { shares } = flooded;
    flooded.flood({ fresh: perSecond }, 5);
    expect(flooded.shares).toBe(shares);
    flooded.flood({ fresh: 10 * perSecond }, 15);
    const { shares: thinned } = flooded;
    flooded.offer(fresh);
    expect(flooded.shares).toBe(thinned);
  });

  test.each([true, false])(
    'all are of use again soon after a flood, without another datagram (shares heeded: %s)',
    (heeded) => {
      const flooded = new Flooded();
      flooded.flood({ fresh: 20 * perSecond }, 30, heeded);
      expect(flooded.shares.fresh).toBeLessThan(0.1);
      expect(flooded.shares.fresh).toBeGreaterThan(0);
      flooded.flood({}, 3);
      expect(flooded.shares).toEqual(everybody);
      expect(flooded.server.engine.nextDeadline()).toBe(undefined);
    },
  );

  test('all are of use again soon after a flood that nobody has thinned, though some come', () => {
    const flooded = new Flooded();
    flooded.flood({ fresh: 20 * perSecond }, 30, false);
    for (let i = 0; i < 6; i++) {
      flooded.offer(fresh);
      flooded.now = after(flooded.now, slice);
      flooded.server.engine.poll(flooded.now);
    }
    expect(flooded.shares).toEqual(everybody);
  });

  test('one with a good cookie begins its handshake in any flood of those without', () => {
    const flooded = new Flooded();
    const request = flooded.offer(fresh, 'device') ?? new Uint8Array();
    const returned = helloOf({ cookie: decodeHelloVerifyRequest(request.subarray(25)) });
    flooded.flood({ fresh: 50 * perSecond }, 20, false);
    for (let i = 0; i < perSecond; i++) flooded.offer(fresh);
    expect(flooded.offer(fresh, 'device')).toBe(undefined);
    expect(flooded.server.engine.counters().handshakes).toBe(0);
    flooded.offer(returned, 'device');
    expect(flooded.server.engine.counters().handshakes).toBe(1);
  });

  test('each moment of a flood has its part, so that one who comes again after a second is not refused again for that', () => {
    const flooded = new Flooded();
    flooded.flood({ fresh: 10 * perSecond }, 20, false);
    const answered = Array.from({ length: 10 }, () => flooded.flood({ fresh: 10 * perSecond }, 1, false));
    for (const each of answered) expect(Math.abs(each - perSecond / 10)).toBeLessThanOrEqual(1);
  });
});

describe('a ClientHello is one that returns a cookie', () => {
  const spent = new Flooded();
  for (let i = 0; i < perSecond; i++) spent.offer(fresh);

  /** Whether it is refused where those without a cookie are. */
  const isFresh = (bytes: Uint8Array, end = bytes.length): boolean =>
    spent.server.engine.refuses(bytes, 0, end, spent.now);

  test('if its cookie is as long as ours, behind any session ID', () => {
    for (let length = 0; length <= 32; length++) {
      const sessionId = new Uint8Array(length).fill(16);
      expect(isFresh(helloOf({ sessionId, cookie: new Uint8Array(16) }))).toBe(false);
      for (const other of [0, 1, 15, 17, 255])
        expect(isFresh(helloOf({ sessionId, cookie: new Uint8Array(other) }))).toBe(true);
    }
  });

  test('and none if it is cut off before, or says that its session ID reaches beyond it', () => {
    // 13 of the record, 12 of the handshake, version and random, the session ID's length, the cookie's.
    const cookieAt = 13 + 12 + 34 + 1;
    expect(forged[cookieAt]).toBe(16);
    for (let end = 14; end <= forged.length; end++) expect(isFresh(forged, end)).toBe(end <= cookieAt);
    for (const length of [forged.length - cookieAt, 200, 255]) {
      const lying = Uint8Array.from(forged);
      lying[cookieAt - 1] = length;
      expect(isFresh(Uint8Array.of(...lying, ...new Uint8Array(300).fill(16)), lying.length)).toBe(true);
    }
  });
});
