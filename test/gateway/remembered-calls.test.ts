/** What is remembered of a call by its words never outlives what it was made of. */
import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { method } from '../../src/coap/codec/codes.ts';
import { findUint, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { Front } from '../../src/gateway/front.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { FunctionResource } from '../../src/gateway/resources/function.ts';
import { nothingFollowed } from './nothing-followed.ts';
import { Router } from '../../src/gateway/router.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import type { CoapEngine } from '../../src/coap/engine.ts';
import type { ReadCaller } from '../../src/core/principal.ts';
import { Lockstep } from '../coap/lockstep.ts';
import { functionOf } from '../functions/functions-of.ts';

/** A gateway whose one function tells how often it ran. */
class CountingGateway {
  readonly cache = new ResultCache();
  readonly #peer: Lockstep;
  fn: FunctionDescription = functionOf('/** @pure @maxAge 100 */ export function f() {}');
  revision = 1;
  readCaller: ReadCaller = false;
  #runs = 0;
  #messageId = 0;

  constructor() {
    const functions = new FunctionResource({
      followed: nothingFollowed,
      directory: this.#directory(),
      invoker: {
        invoke: () => ({
          value: ++this.#runs,
          readCaller: this.readCaller,
          tags: ['tag'],
          queued: milliseconds(0),
          ran: milliseconds(0),
        }),
      },
      cache: this.cache,
      bodies: { read: () => Promise.reject(new CallError('internal-error', 'There is no large body here.')) },
      clock: { now: () => this.#peer.now },
      timeLimit: seconds(10),
    });
    let engine: CoapEngine | undefined;
    const front = new Front({
      router: new Router().addSubtree(['func', '*', '*'], functions),
      access: new AccessRules(openAccess),
      rateLimit: new RateLimit({ perSecond: 0, burst: 1, loopback: false, maxPeers: 10 }),
      clock: { now: () => this.#peer.now },
      respond: (request, response, now) => engine?.respond(request, response, now) ?? 0,
      wake: () => undefined,
      showInternals: false,
    });
    this.#peer = new Lockstep((request, itsEngine, now) => {
      engine = itsEngine;
      front.handle(request, now);
      return undefined;
    });
  }

  ask(name = 'device'): Message {
    const options = ['func', 'test', 'f'].map((segment) => stringOption(optionNumber.uriPath, segment));
    const [answer] = this.#peer.send({ code: method.FETCH, messageId: ++this.#messageId, options }, name);
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  value(name?: string): unknown {
    return decodeCbor(this.ask(name).payload);
  }

  pass(span: number): Instant {
    this.#peer.advance(span);
    return this.#peer.now;
  }

  #directory(): ConstructorParameters<typeof FunctionResource>[0]['directory'] {
    const revision = (): number => this.revision;
    const find = (): FunctionDescription => this.fn;
    return {
      pending: () => undefined,
      get revision() {
        return revision();
      },
      find,
      findById: find,
    };
  }
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

test('equal calls are answered from the cache and counted as hits', () => {
  const gateway = new CountingGateway();
  expect(times(6, () => gateway.value())).toEqual([1, 1, 1, 1, 1, 1]);
  expect(gateway.cache.counters()).toMatchObject({ misses: 1, hits: 5 });
});

test.each([
  ['of the function', (cache: ResultCache) => cache.invalidateFunction('test', 'f')],
  ['of its library', (cache: ResultCache) => cache.invalidateLibrary('test')],
  ['of a tag', (cache: ResultCache) => cache.invalidateTag('test', 'tag')],
  ['of everything', (cache: ResultCache) => cache.clear()],
])('an invalidation %s takes effect on the next call, within the same instant', (_name, invalidate) => {
  const gateway = new CountingGateway();
  const { library } = gateway.fn;
  expect(library).toBe('test');
  gateway.value();
  gateway.pass(500); // in the middle of a second of Max-Age: the answer is kept ready
  expect(times(4, () => gateway.value())).toEqual([1, 1, 1, 1]);
  invalidate(gateway.cache);
  expect(times(4, () => gateway.value())).toEqual([2, 2, 2, 2]);
});

test('Max-Age counts down while the answer is remembered, and the function runs when it is over', () => {
  const gateway = new CountingGateway();
  const maxAge = (): number | undefined => findUint(gateway.ask().options, optionNumber.maxAge);
  expect(times(4, maxAge)).toEqual([100, 100, 100, 100]);
  gateway.pass(1);
  expect(times(2, maxAge)).toEqual([99, 99]);
  gateway.pass(59_999);
  expect(times(2, maxAge)).toEqual([40, 40]);
  gateway.pass(39_999);
  expect([gateway.value(), maxAge()]).toEqual([1, 0]);
  gateway.pass(1);
  expect(gateway.value()).toBe(2);
});

test('another version of the function is asked anew', () => {
  const gateway = new CountingGateway();
  expect(times(4, () => gateway.value())).toEqual([1, 1, 1, 1]);
  gateway.fn = { ...gateway.fn, version: 'v2' };
  gateway.revision++;
  expect(times(4, () => gateway.value())).toEqual([2, 2, 2, 2]);
});

test('a function that turns out to read its peer gives each peer its own result from then on', () => {
  const gateway = new CountingGateway();
  expect([gateway.value('a'), gateway.value('b'), gateway.value('a')]).toEqual([1, 1, 1]);
  gateway.readCaller = 'peer';
  gateway.cache.clear();
  expect([gateway.value('a'), gateway.value('b'), gateway.value('c')]).toEqual([2, 3, 4]);
  expect([gateway.value('c'), gateway.value('a'), gateway.value('b')]).toEqual([4, 2, 3]);
});
