import { describe, expect, test } from 'vitest';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { findUint, optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';
import type { Observation } from '../../../src/coap/observe/observation.ts';
import { NotificationOrder } from '../../../src/coap/observe/notification-order.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { seconds, type Instant } from '../../../src/core/duration.ts';
import { bytesOf, endpointOf, Lockstep, type LockstepOptions } from '../lockstep.ts';

const path = stringOption(optionNumber.uriPath, 'x');
const observe = uintOption(optionNumber.observe, 0);
const token = Uint8Array.of(5);
const { CON, NON, ACK, RST } = messageType;
const state = (text: string): Response => response(responseCode.content, { payload: utf8(text) });

/** A resource that anybody may observe, and what becomes of its observations. */
function observable(options: Partial<LockstepOptions> = {}): {
  peer: Lockstep;
  observations: Observation[];
  ended: number[];
} {
  const observations: Observation[] = [];
  const ended: number[] = [];
  const peer = new Lockstep((request, engine, now) => {
    const index = observations.length;
    const observation = engine.observe(request, () => ended.push(index), now);
    if (observation !== undefined) observations.push(observation);
    return response(responseCode.content, { payload: utf8('first'), observation });
  }, options);
  return { peer, observations, ended };
}

const sequence = (message: Message | undefined): number | undefined =>
  findUint(message?.options ?? [], optionNumber.observe);

describe('observing a resource (RFC 7641)', () => {
  test('registration is answered with Observe; each notification is newer', () => {
    const { peer, observations } = observable();
    const [first] = peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    expect(first).toMatchObject({ type: ACK, payload: utf8('first') });
    observations[0]?.notify(state('second'), true, peer.now);
    const [second] = peer.output();
    expect(second).toMatchObject({ type: CON, token, payload: utf8('second') });
    expect(sequence(second)).toBeGreaterThan(sequence(first) ?? Infinity);
  });

  test('a plain GET, and one with Observe 1, are answered without Observe; Observe 1 ends the observation', () => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    const [plain] = peer.send({ code: method.GET, messageId: 2, token: Uint8Array.of(6), options: [path] });
    expect(sequence(plain)).toBeUndefined();
    expect(ended).toEqual([]);
    const [last] = peer.send({
      code: method.GET,
      messageId: 3,
      token,
      options: [path, uintOption(optionNumber.observe, 1)],
    });
    expect(sequence(last)).toBeUndefined();
    expect(ended).toEqual([0]);
    observations[0]?.notify(state('x'), true, peer.now);
    expect(peer.output()).toEqual([]);
    expect(peer.engine.counters().observations).toBe(0);
  });

  test('only GET and FETCH observe (RFC 7641 §2, RFC 8132 §2.4)', () => {
    const { peer } = observable();
    const registers = (code: number, messageId: number): boolean =>
      sequence(peer.send({ code, messageId, token: Uint8Array.of(messageId), options: [path, observe] })[0]) !==
      undefined;
    expect([method.GET, method.FETCH, method.POST, method.PUT].map(registers)).toEqual([true, true, false, false]);
  });

  test('the same token registers anew in place of the old entry', () => {
    const { peer, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    peer.send({ code: method.GET, messageId: 2, token, options: [path, observe] });
    expect(ended).toEqual([0]);
    expect(peer.engine.counters().observations).toBe(1);
  });

  test('§4.4: numbers go on where a client registers again under its token', () => {
    const { peer, observations } = observable();
    const register = (messageId: number): number =>
      sequence(peer.send({ code: method.GET, messageId, token, options: [path, observe] })[0]) ?? Infinity;
    const first = register(1);
    observations[0]?.notify(state('a'), false, peer.now);
    const second = sequence(peer.output()[0]) ?? Infinity;
    const third = register(2);
    observations[1]?.end(peer.now);
    expect([first, second, third, register(3)]).toEqual([first, first + 1, first + 2, first + 3]);
  });

  test('§4.4: what others are told does not use up the numbers of an observer, who has 2^23 of them in 256 s', () => {
    const { peer, observations } = observable();
    const [first] = peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] }, 'other');
    for (let n = 0; n < 10; n++) observations[1]?.notify(state('a'), false, peer.now);
    peer.output();
    observations[0]?.notify(state('b'), false, peer.now);
    expect(sequence(peer.output()[0])).toBe((sequence(first) ?? 0) + 1);
  });

  test.each([
    ['CON', true],
    ['NON', false],
  ])('a Reset to a %s notification ends the observation', (_name, confirmable) => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(state('x'), confirmable, peer.now);
    const [notification] = peer.output();
    expect(notification?.type).toBe(confirmable ? CON : NON);
    peer.send({ type: RST, code: 0, messageId: notification?.messageId ?? 0 });
    expect(ended).toEqual([0]);
  });

  test('a Reset to a NON takes back the confirmable notification that waits behind another', () => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    peer.send({ code: method.GET, messageId: 2, token: Uint8Array.of(6), options: [path, observe] });
    observations[1]?.notify(state('a'), false, peer.now);
    const [non] = peer.output();
    for (const observation of observations) observation.notify(state('b'), true, peer.now);
    const [con] = peer.output();
    peer.send({ type: RST, code: 0, messageId: non?.messageId ?? 0 });
    expect(ended).toEqual([1]);
    expect(peer.send({ type: ACK, code: 0, messageId: con?.messageId ?? 0 })).toEqual([]);
  });

  test('a confirmable notification that is never acknowledged ends the observation', () => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(state('x'), true, peer.now);
    peer.output();
    expect(peer.advance(seconds(77))).toHaveLength(4);
    expect(ended).toEqual([]);
    peer.advance(seconds(1));
    expect(ended).toEqual([0]);
    expect(peer.engine.counters()).toMatchObject({ timers: 0, observations: 0 });
  });

  test('states that come while one is under way: only the newest is sent, after the acknowledgement', () => {
    const { peer, observations } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    for (const text of ['a', 'b', 'c']) observations[0]?.notify(state(text), true, peer.now);
    const [a, ...none] = peer.output();
    expect(none).toEqual([]);
    const [c] = peer.send({ type: ACK, code: 0, messageId: a?.messageId ?? 0 });
    expect(c).toMatchObject({ type: CON, payload: utf8('c') });
    expect(peer.send({ type: ACK, code: 0, messageId: c?.messageId ?? 0 })).toEqual([]);
  });

  test('§4.5.2: a retransmission carries the newest state under a new Message ID, and counts as an attempt', () => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(state('old'), true, peer.now);
    const [old] = peer.output();
    observations[0]?.notify(state('new'), true, peer.now);
    const [newer] = peer.advance(2500);
    expect(newer).toMatchObject({ type: CON, payload: utf8('new') });
    expect(newer?.messageId).not.toBe(old?.messageId);
    expect(sequence(newer)).toBeGreaterThan(sequence(old) ?? Infinity);
    peer.advance(seconds(76));
    expect(ended).toEqual([0]);
  });

  test('an error is sent without Observe, and ends the observation', () => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(response(responseCode.notFound), false, peer.now);
    const [gone] = peer.output();
    expect(gone).toMatchObject({ type: CON, code: responseCode.notFound });
    expect(sequence(gone)).toBeUndefined();
    expect(ended).toEqual([0]);
  });

  test.each([
    ['the acknowledgement', (peer: Lockstep, under: number) => peer.send({ type: ACK, code: 0, messageId: under })],
    ['the retransmission', (peer: Lockstep) => peer.advance(2500)],
  ])('§4.2: an error that waits for %s is the last word, whatever state comes after it', (_name, next) => {
    const { peer, observations, ended } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(state('under way'), true, peer.now);
    const [underWay] = peer.output();
    observations[0]?.notify(response(responseCode.notFound), true, peer.now);
    observations[0]?.notify(state('made anew'), true, peer.now);
    expect(next(peer, underWay?.messageId ?? 0)).toMatchObject([{ type: CON, code: responseCode.notFound }]);
    expect(ended).toEqual([0]);
  });

  test('§4.5: after 24 hours of non-confirmable notifications comes a confirmable one', () => {
    const { peer, observations } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] });
    observations[0]?.notify(state('a'), false, peer.now);
    peer.advance(seconds(24 * 3600));
    observations[0]?.notify(state('b'), false, peer.now);
    expect(peer.output().map((message) => message.type)).toEqual([NON, CON]);
  });

  test('§4.5.1: a peer on another machine gets one non-confirmable notification in 3 s, then the newest state of each of its observations', () => {
    const { peer, observations } = observable();
    const endpoint = { ...endpointOf('far'), verified: true };
    const receive = (message: Parameters<typeof bytesOf>[0]): void =>
      peer.engine.receive([{ bytes: bytesOf(message), endpoint, multicast: false }], peer.now);
    for (const n of [1, 2])
      receive({ code: method.GET, messageId: n, token: Uint8Array.of(n), options: [path, observe] });
    peer.output();
    const notified = (index: number): Message | undefined => {
      observations[index]?.notify(state('x'), false, peer.now);
      return peer.output()[0];
    };
    expect(notified(0)?.type).toBe(NON);
    expect([notified(0), notified(0), notified(1), notified(1)]).toEqual([undefined, undefined, undefined, undefined]);
    expect(peer.advance(seconds(3) - 1)).toEqual([]);
    expect(peer.advance(1).map(({ type, token }) => [type, token[0]])).toEqual([[NON, 2]]);
    expect(peer.advance(seconds(3)).map(({ type, token }) => [type, token[0]])).toEqual([[NON, 1]]);
    expect(peer.advance(seconds(3)).map(({ type, token }) => [type, token[0]])).toEqual([[NON, 2]]);
    expect(peer.advance(seconds(30))).toEqual([]);
    expect(peer.engine.counters()).toMatchObject({ timers: 0, observations: 2 });
  });

  test('an unverified peer gets confirmable notifications only, none before it has acknowledged the last', () => {
    const { peer, observations } = observable();
    peer.send({ code: method.GET, messageId: 1, token, options: [path, observe] }, 'far');
    for (const text of ['a', 'b', 'c']) observations[0]?.notify(state(text), false, peer.now);
    expect(peer.output()).toMatchObject([{ type: CON }]);
  });

  test('ends at once when its association is over, as one that is lost, and none begins any more', () => {
    const observations: Observation[] = [];
    const ended: string[] = [];
    const peer = new Lockstep((request, engine, now) => {
      const observation = engine.observe(request, (_, how) => ended.push(how), now);
      if (observation !== undefined) observations.push(observation);
      return response(responseCode.content, { payload: utf8('first'), observation });
    });
    const register = (name: string, id: number): Message[] =>
      peer.send({ code: method.GET, messageId: id, token: Uint8Array.of(id), options: [path, observe] }, name);
    register('device', 1);
    register('device', 2);
    register('other', 3);
    // One of the two has a notification under way, and a newer one waits behind it.
    observations[0]?.notify(state('a'), true, peer.now);
    observations[0]?.notify(state('b'), true, peer.now);
    peer.output();
    peer.engine.closed(endpointOf('device'), peer.now);
    expect(ended).toEqual(['lost', 'lost']);
    for (const one of observations) one.notify(state('c'), true, peer.now);
    expect(peer.output()).toHaveLength(1);
    expect(peer.engine.counters()).toMatchObject({ observations: 1, timers: 1 });
    expect(sequence(register('device', 4)[0])).toBeUndefined();
    expect(peer.engine.counters().observations).toBe(1);
  });

  test('no room, for one peer or for all: the request is answered like one without Observe', () => {
    const { peer } = observable({ limits: { maxObservationsPerPeer: 2, maxObservations: 3 } });
    const register = (n: number, name: string): number | undefined =>
      sequence(
        peer.send({ code: method.GET, messageId: n, token: Uint8Array.of(n), options: [path, observe] }, name)[0],
      );
    expect([register(1, 'a'), register(2, 'a'), register(3, 'a')].map((n) => n !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
    expect([register(4, 'b'), register(5, 'b')].map((n) => n !== undefined)).toEqual([true, false]);
  });
});

describe('the order of notifications (RFC 7641 §3.4)', () => {
  const at = (n: number): Instant => n as Instant;

  test.each([
    [1, 2, 0, true],
    [2, 1, 0, false],
    [2, 2, 0, false],
    [0xffffff, 0, 0, true],
    [0, 0xffffff, 0, false],
    [5, 5 + 2 ** 23 - 1, 0, true],
    [5, 5 + 2 ** 23, 0, false],
    [2, 1, 128_001, true],
  ])('after %i comes %i, %i ms later: newer is %s', (first, second, later, newer) => {
    const order = new NotificationOrder();
    expect(order.isNewer(first, at(0))).toBe(true);
    expect(order.isNewer(second, at(later))).toBe(newer);
  });
});
