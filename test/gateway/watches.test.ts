/** Pure functions that are observed (RFC 7641), message by message on a clock that only the test moves. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { dotted, method } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import type { EngineLimits } from '../../src/coap/engine.ts';
import { channels, type OngoingChanged } from '../../src/core/channels.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
} from '../../src/coap/codec/options.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { AccessRules, openAccess, type Access } from '../../src/gateway/access-rules.ts';
import { asCallError } from '../../src/gateway/faults.ts';
import { problemResponse } from '../../src/gateway/problem-response.ts';
import type { Answer } from '../../src/gateway/resource.ts';
import { FunctionResource } from '../../src/gateway/resources/function.ts';
import { CoapWatches } from '../../src/gateway/watches/coap-watches.ts';
import { Watches } from '../../src/gateway/watches/watches.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { Lockstep } from '../coap/lockstep.ts';
import { functionOf } from '../functions/functions-of.ts';
import { nothingFollowed } from './nothing-followed.ts';

const source = (maxAge: string): string => `/** @pure ${maxAge} */ export function f(a: number = 0) {}`;

class Gateway {
  value: Value = 1;
  runs = 0;
  tags: readonly string[] = ['t'];
  fn: FunctionDescription;
  isGone = false;
  access: AccessRules = new AccessRules(openAccess);
  readonly cache = new ResultCache();
  readonly scheduler = new ManualScheduler(1000 as never);
  readonly watches: Watches;
  readonly peer: Lockstep;
  #messageId = 0;

  constructor(maxAge = '@maxAge 60', limits: Partial<EngineLimits> = {}) {
    this.fn = functionOf(source(maxAge));
    const { scheduler, cache } = this;
    const clock = { now: () => scheduler.now() };
    const invoker = {
      invoke: () => {
        this.runs++;
        if (this.value === 'fails') throw new CallError('function-failed', 'The function threw.');
        if (this.value === 'busy') throw new CallError('overloaded', 'Come back later.');
        return Promise.resolve({
          value: this.value,
          readCaller: false as const,
          tags: this.tags,
          queued: milliseconds(0),
          ran: milliseconds(0),
        });
      },
    };
    this.watches = new Watches({ cache, invoker, scheduler, timeLimit: seconds(10) });
    const coap = new CoapWatches({
      watches: this.watches,
      clock,
      observe: (request, onEnd, now) => this.peer.engine.observe(request, onEnd, now),
      isGone: () => this.isGone,
      wake: () => undefined,
      showInternals: false,
    });
    const resource = new FunctionResource({
      directory: { revision: 1, pending: () => undefined, find: () => this.fn, findById: () => this.fn },
      invoker,
      cache,
      bodies: { read: () => Promise.reject(new CallError('internal-error', 'There is no large body here.')) },
      clock,
      timeLimit: seconds(10),
      followed: { ...nothingFollowed, watch: (visit, call) => coap.answer(visit, call) },
    });
    const access = (): Access => this.access.of(undefined);
    this.peer = new Lockstep(
      (request, engine) => {
        const query = request.options
          .filter(({ number }) => number === optionNumber.uriQuery)
          .map(({ value }) => new TextDecoder().decode(value));
        const answer = async (): Promise<Answer> =>
          await resource.handle({
            request,
            path: ['func', 'test', 'f'],
            query,
            target: 'test/f',
            caller: { identity: 'local', peer: 'device' },
            get access() {
              return access();
            },
            correlationId: '1',
            now: scheduler.now(),
          });
        answer().then(
          ({ response }) => engine.respond(request, response, this.peer.now),
          (error: unknown) =>
            engine.respond(request, problemResponse(asCallError(error), request.options, false), this.peer.now),
        );
        return undefined;
      },
      { limits },
    );
    this.peer.now = scheduler.now();
  }

  async get(
    query: readonly string[] = [],
    token = 7,
    more: readonly ReturnType<typeof stringOption>[] = [],
  ): Promise<Message | undefined> {
    const options = [
      uintOption(optionNumber.observe, 0),
      ...query.map((item) => stringOption(optionNumber.uriQuery, item)),
      ...more,
    ];
    const out = this.peer.send({
      code: method.GET,
      messageId: ++this.#messageId,
      token: new Uint8Array([token]),
      options,
    });
    await setImmediate();
    return [...out, ...this.peer.output()].at(-1);
  }

  /** Time passes; whatever is told in it is acknowledged and comes out. */
  async pass(span: number): Promise<Message[]> {
    const told: Message[] = [];
    for (let left = span; left > 0; left--) {
      this.scheduler.advance(seconds(1));
      this.peer.now = this.scheduler.now();
      told.push(...(await this.settle()));
    }
    return told;
  }

  async settle(): Promise<Message[]> {
    this.scheduler.advance(milliseconds(1));
    await setImmediate();
    const told = this.peer.output();
    for (const { type, messageId } of told) if (type === 0) this.peer.send({ type: 2, code: 0, messageId });
    return told;
  }
}

const observe = (message: Message | undefined): number | undefined =>
  findUint(message?.options ?? [], optionNumber.observe);
const maxAge = (message: Message | undefined): number | undefined =>
  findUint(message?.options ?? [], optionNumber.maxAge);
const etag = (message: Message | undefined): Uint8Array | undefined =>
  findOption(message?.options ?? [], optionNumber.etag);
const payloads = (messages: readonly Message[]): readonly number[][] => messages.map(({ payload }) => [...payload]);

test('a result is told when Max-Age has ended and it is another one, not when it is the same', async () => {
  const gateway = new Gateway('@maxAge 60');
  const first = await gateway.get();
  expect([dotted(first?.code ?? 0), observe(first) === undefined, maxAge(first), [...(first?.payload ?? [])]]).toEqual([
    '2.05',
    false,
    3600,
    [1],
  ]);
  expect([await gateway.pass(59), gateway.runs]).toEqual([[], 1]);
  expect([await gateway.pass(3), gateway.runs]).toEqual([[], 2]);
  gateway.value = 2;
  const told = await gateway.pass(62);
  expect([payloads(told), told[0]?.type, maxAge(told[0])]).toEqual([[[2]], 0, 3600]);
  expect(observe(told[0])).toBeGreaterThan(observe(first) ?? Infinity);
  expect(etag(told[0])).not.toEqual(etag(first));
});

test('what is called out of date is evaluated at once: by function, by tag, by library', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.value = 2;
  gateway.cache.invalidateTag('test', 'another');
  gateway.cache.invalidateFunction('test', 'g');
  gateway.cache.invalidateLibrary('other');
  // Nothing of it is evaluated before its time.
  expect(gateway.scheduler.nextDeadline()).toBeGreaterThan(gateway.scheduler.now() + 3_000_000);
  expect(await gateway.settle()).toEqual([]);
  gateway.cache.invalidateTag('test', 't');
  expect(payloads(await gateway.settle())).toEqual([[2]]);
  gateway.value = 3;
  gateway.cache.invalidateFunction('test', 'f');
  expect(payloads(await gateway.settle())).toEqual([[3]]);
  gateway.value = 4;
  gateway.fn = { ...gateway.fn, version: '2' };
  gateway.cache.invalidateLibrary('test');
  expect(payloads(await gateway.settle())).toEqual([[4]]);
});

test('many observers of one call share each of its evaluations', async () => {
  const gateway = new Gateway('@maxAge 3600');
  for (let token = 0; token < 60; token++) await gateway.get([], token);
  expect([gateway.runs, gateway.watches.size]).toEqual([1, 60]);
  gateway.value = 2;
  gateway.cache.invalidateFunction('test', 'f');
  expect((await gateway.settle()).length).toBeGreaterThan(0);
  expect(gateway.runs).toBe(2);
  const often = new Gateway('@maxAge 0');
  for (let token = 0; token < 60; token++) await often.get([], token);
  const { runs } = often;
  await often.pass(5);
  expect(often.runs).toBeLessThanOrEqual(runs + 6);
});

test('c.pmin holds back what changed, and the newest is told then; c.pmax has it told although nothing did', async () => {
  const gateway = new Gateway('@maxAge 3600');
  expect(maxAge(await gateway.get(['c.pmin=10', 'c.pmax=100']))).toBe(100);
  gateway.value = 2;
  gateway.cache.invalidateFunction('test', 'f');
  expect(await gateway.pass(9)).toEqual([]);
  gateway.value = 3;
  expect(payloads(await gateway.pass(2))).toEqual([[3]]);
  expect(await gateway.pass(98)).toEqual([]);
  expect(payloads(await gateway.pass(3))).toEqual([[3]]);
  const bad = await gateway.get(['c.pmin=10', 'c.pmax=5'], 8);
  expect([dotted(bad?.code ?? 0), gateway.watches.size]).toEqual(['4.00', 1]);
});

test('the Content-Format of an observation stays, also where there is nothing', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get([], 7, [uintOption(optionNumber.accept, 50)]);
  gateway.value = undefined;
  gateway.cache.invalidateFunction('test', 'f');
  const [told] = await gateway.settle();
  expect([findUint(told?.options ?? [], optionNumber.contentFormat), new TextDecoder().decode(told?.payload)]).toEqual([
    50,
    'null',
  ]);
});

test('a state that the peer says it has is 2.03', async () => {
  const gateway = new Gateway('@maxAge 3600');
  const known = etag(await gateway.get()) ?? new Uint8Array();
  const again = await gateway.get([], 8, [opaqueOption(optionNumber.etag, known)]);
  expect([dotted(again?.code ?? 0), again?.payload.length, observe(again) === undefined]).toEqual(['2.03', 0, false]);
});

test('a failure ends it with the error; no room for a while does not', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.value = 'busy';
  gateway.cache.invalidateFunction('test', 'f');
  expect([await gateway.pass(3), gateway.runs]).toEqual([[], 2]);
  gateway.value = 2;
  expect(payloads(await gateway.pass(5))).toEqual([[2]]);
  gateway.value = 'fails';
  gateway.cache.invalidateFunction('test', 'f');
  const [failed] = await gateway.settle();
  expect([dotted(failed?.code ?? 0), observe(failed), gateway.watches.size]).toEqual(['5.00', undefined, 0]);
});

test('who may not call it any more is told so, and nothing more', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.access = new AccessRules([]);
  gateway.value = 2;
  gateway.cache.invalidateLibrary('test');
  const [told] = await gateway.settle();
  expect([dotted(told?.code ?? 0), observe(told), gateway.watches.size, gateway.runs]).toEqual([
    '4.03',
    undefined,
    0,
    1,
  ]);
});

test('a gateway that is being stopped tells who observes when to come back', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.watches.close();
  const [told] = gateway.peer.output();
  const { code = 0, options = [] } = told ?? {};
  expect([dotted(code), findUint(options, optionNumber.maxAge), gateway.watches.size]).toEqual(['5.03', 5, 0]);
});

test('a gateway that is being stopped keeps no observation', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.watches.close();
  await gateway.get([], 8);
  expect([gateway.watches.size, gateway.scheduler.nextDeadline()]).toEqual([0, undefined]);
});

test('logs and metrics are told what was opened, what it ended with, and what was refused', async () => {
  const told: string[] = [];
  const listen = (event: unknown): void => {
    const { kind, state, target, peer, identity, problem, correlationId } = event as OngoingChanged;
    if (target === 'test/f') told.push([kind, state, target, peer, identity, problem, correlationId].join(' '));
  };
  channels.ongoing.subscribe(listen);
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  await gateway.get([], 7);
  gateway.value = 'fails';
  gateway.cache.invalidateFunction('test', 'f');
  await gateway.settle();
  // It never began.
  await gateway.get();
  const full = new Gateway('@maxAge 3600', { maxObservations: 0 });
  expect(observe(await full.get())).toBeUndefined();
  channels.ongoing.unsubscribe(listen);
  const line = (state: string, problem = ''): string => `watch ${state} test/f device local ${problem} 1`;
  expect(told).toEqual([
    line('opened'),
    line('ended'),
    line('opened'),
    line('ended', 'function-failed'),
    line('refused', 'overloaded'),
  ]);
});

test('whose association is over is told nothing more', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.isGone = true;
  gateway.value = 2;
  gateway.cache.invalidateLibrary('test');
  expect([await gateway.settle(), gateway.watches.size, gateway.runs]).toEqual([[], 0, 1]);
});

test('a call that ends with an error, and a function that is not pure, are answered once', async () => {
  const gateway = new Gateway('@maxAge 3600');
  gateway.value = 'fails';
  const failed = await gateway.get();
  expect([dotted(failed?.code ?? 0), observe(failed), gateway.watches.size]).toEqual(['5.00', undefined, 0]);
  gateway.value = 1;
  gateway.fn = functionOf('/** @safe */ export function f() {}');
  const once = await gateway.get([], 8);
  expect([dotted(once?.code ?? 0), observe(once), gateway.watches.size]).toEqual(['2.05', undefined, 0]);
});

test('a Reset ends the evaluations', async () => {
  const gateway = new Gateway('@maxAge 3600');
  await gateway.get();
  gateway.value = 2;
  gateway.cache.invalidateFunction('test', 'f');
  gateway.scheduler.advance(milliseconds(1));
  await setImmediate();
  const [told] = gateway.peer.output();
  gateway.peer.send({ type: 3, code: 0, messageId: told?.messageId ?? 0 });
  expect([gateway.watches.size, gateway.scheduler.nextDeadline()]).toEqual([0, undefined]);
});
