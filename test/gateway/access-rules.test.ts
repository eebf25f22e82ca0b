import { describe, expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { defaultTransmissionOptions } from '../../src/coap/parameters.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import type { Principal } from '../../src/core/principal.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import type { Call } from '../../src/functions/call.ts';
import type { FunctionDescription, LibraryDescription } from '../../src/functions/description.ts';
import { AccessRules, openAccess, type AccessRule } from '../../src/gateway/access-rules.ts';
import { Front } from '../../src/gateway/front.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { FunctionResource } from '../../src/gateway/resources/function.ts';
import { nothingFollowed } from './nothing-followed.ts';
import { Router } from '../../src/gateway/router.ts';
import { bytesOf, endpointOf, Lockstep } from '../coap/lockstep.ts';
import { functionOf } from '../functions/functions-of.ts';

const rule = (more: Partial<AccessRule>): AccessRule => ({
  identity: undefined,
  group: undefined,
  functions: [],
  resources: [],
  rate: undefined,
  link: {},
  ...more,
});

const fnOf = (library: string, name: string): FunctionDescription => ({
  ...functionOf(`/** @pure @maxAge 60 */ export function ${name}() {}`),
  library,
  method: name,
});

const add = fnOf('math', 'add');
const list = fnOf('oslist', 'list');
const meter: Principal = { name: 'meter-7', groups: ['meters', 'north'] };
const lamp: Principal = { name: 'lamp-1', groups: [] };

/** Which of `math/add` and `oslist/list` a caller may call. */
const may = (rules: readonly AccessRule[], who: Principal | undefined): boolean[] => {
  const access = new AccessRules(rules).of(who);
  return [access.mayCall(add), access.mayCall(list)];
};

describe('a rule', () => {
  test('of the default lets everybody call every function', () => {
    for (const who of [undefined, meter]) expect(may(openAccess, who)).toEqual([true, true]);
  });

  test('is for identities whose name its glob matches; local is who has none', () => {
    const rules = [
      rule({ identity: 'meter-*', functions: ['math/*'] }),
      rule({ identity: 'local', functions: ['oslist/*'] }),
    ];
    expect(may(rules, meter)).toEqual([true, false]);
    expect(may(rules, undefined)).toEqual([false, true]);
    expect(may(rules, lamp)).toEqual([false, false]);
  });

  test('is for callers with a group that its glob matches', () => {
    const rules = [rule({ group: 'nor*', functions: ['math/add'] })];
    expect(may(rules, meter)).toEqual([true, false]);
    expect(may(rules, lamp)).toEqual([false, false]);
    expect(may(rules, undefined)).toEqual([false, false]);
  });

  test('with identity and group is for who has both', () => {
    const rules = [rule({ identity: 'meter-7', group: 'south', functions: ['*'] })];
    expect(may(rules, meter)).toEqual([false, false]);
  });

  test('adds to what others allow', () => {
    const rules = [rule({ functions: ['math/*'] }), rule({ group: 'meters', functions: ['oslist/list'] })];
    expect(may(rules, meter)).toEqual([true, true]);
    expect(may(rules, lamp)).toEqual([true, false]);
  });

  test('without functions grants none, and no rule at all leaves nobody anything', () => {
    expect(may([rule({ resources: ['*'] })], meter)).toEqual([false, false]);
    expect(may([], undefined)).toEqual([false, false]);
  });

  test('grants resources by their first segment; functions and discovery are always there to be asked', () => {
    const access = new AccessRules([rule({ resources: ['clo*'] })]).of(undefined);
    expect(['clock', 'elsewhere', 'func', 'f', '.well-known'].map((name) => access.mayReach(name))).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  test('gives its rate and link settings where no rule before it has any', () => {
    const profile = { ...defaultTransmissionOptions, ackTimeout: seconds(3) };
    const rules = new AccessRules([
      rule({ group: 'meters', link: { szx: 2 } }),
      rule({ rate: { perSecond: 5, burst: 6 }, link: { szx: 6, piggybackWindow: milliseconds(100) } }),
      rule({ rate: { perSecond: 50, burst: 60 } }),
    ]);
    const access = rules.of(meter);
    expect(access.rate).toEqual({ perSecond: 5, burst: 6 });
    expect(access.transmission(profile)).toEqual({ ...profile, szx: 2, piggybackWindow: 100 });
    // One object for one profile: what is derived from it is derived once.
    expect(access.transmission(profile)).toBe(access.transmission(profile));
    expect(new AccessRules(openAccess).of(meter).transmission(profile)).toBe(profile);
  });
});

test('callers whom the same rules match share what is remembered of them', () => {
  const rules = new AccessRules([rule({ group: 'meters', functions: ['math/*'] })]);
  expect(rules.of({ name: 'meter-8', groups: ['meters'] })).toBe(rules.of(meter));
  expect(rules.of(lamp)).toBe(rules.of(undefined));
  expect(rules.of(lamp)).not.toBe(rules.of(meter));
});

test('discovery shows functions that may be called, and libraries with such or with none', () => {
  const libraryOf = (name: string, ...functions: FunctionDescription[]): LibraryDescription => ({
    name,
    id: 0,
    version: '1',
    title: undefined,
    functions,
    error: functions.length === 0 ? 'it does not load' : undefined,
  });
  const sub = fnOf('math', 'sub');
  const libraries = [libraryOf('math', add, sub), libraryOf('oslist', list), libraryOf('mist'), libraryOf('broken')];
  const access = new AccessRules([rule({ functions: ['math/add', 'mist/x'] })]).of(undefined);
  expect(access.visible(libraries)).toEqual([libraryOf('math', add), libraryOf('mist')]);
  expect(access.visible(libraries)).toBe(access.visible(libraries));
  expect(new AccessRules(openAccess).of(undefined).visible(libraries)).toBe(libraries);
});

test('of a class discovery shows the members that may be used, and of attributes what may be done with them', () => {
  const account: FunctionDescription = {
    ...functionOf(`export class Account {
      owner: string;
      limit: number = 0;
      #balance: number = 0;
      constructor(owner: string) { this.owner = owner; }
      get balance(): number { return this.#balance; }
      set ceiling(value: number) { this.#balance = Math.min(this.#balance, value); }
      deposit(amount: number): number { return amount; }
      forget(): void {}
    }`),
    library: 'bank',
  };
  const bank = { name: 'bank', id: 0, version: '1', title: undefined, functions: [account], error: undefined };
  const shown = (...functions: readonly string[]): unknown => {
    const access = new AccessRules([rule({ functions })]).of(undefined);
    const { parameters, members = [], notMade } = access.visibleClass(account);
    expect(access.visibleClass(account)).toBe(access.visibleClass(account));
    const listed = access.visible([bank]).flatMap((library) => library.functions);
    expect(listed).toEqual(access.mayCall(account) || members.length > 0 ? [access.visibleClass(account)] : []);
    expect(notMade).toEqual(access.mayCall(account) ? undefined : (expect.stringContaining('bank/Account') as string));
    return [
      parameters.map(({ name }) => name).join(' '),
      ...members.map(({ name, readable, writable }) => name + (readable ? '?' : '') + (writable ? '=' : '')),
    ];
  };
  const all = ['owner', 'owner?=', 'limit?=', 'balance?', 'ceiling=', 'deposit', 'forget'];
  expect(shown('*')).toEqual(all);
  expect(shown('bank/*')).toEqual(all);
  expect(shown('bank/Account')).toEqual(['owner']);
  expect(shown('bank/Account', 'bank/Account.deposit', 'bank/Account.owner?', 'bank/Account.limit=')).toEqual([
    'owner',
    'owner?',
    'limit=',
    'deposit',
  ]);
  // An accessor is not read because a rule allows it.
  expect(shown('bank/Account.ceiling?', 'bank/Account.balance=', 'bank/Account.forget')).toEqual(['', 'forget']);
  expect(shown('bank/Accounts')).toEqual(['']);
});

describe('the front', () => {
  const calls: Call[] = [];

  function gateway(rules: readonly AccessRule[]): (who: Principal | undefined, library: string) => Promise<Message[]> {
    calls.length = 0;
    const peer: Lockstep = new Lockstep((request, _engine, now) => {
      front.handle(request, now);
      return undefined;
    });
    const functions = new FunctionResource({
      followed: nothingFollowed,
      directory: {
        pending: () => undefined,
        revision: 1,
        find: (library) => (library === 'math' ? add : list),
        findById: () => add,
      },
      invoker: {
        invoke: (call) => {
          calls.push(call);
          return Promise.resolve({
            value: 'done',
            readCaller: false,
            tags: [],
            queued: milliseconds(0),
            ran: milliseconds(0),
          });
        },
      },
      cache: new ResultCache(),
      bodies: { read: () => Promise.reject(new Error('There is no large body here.')) },
      clock: { now: () => peer.now },
      timeLimit: seconds(10),
    });
    const front = new Front({
      router: new Router().addSubtree(['func', '*', '*'], functions).addSubtree(['f'], functions),
      rateLimit: new RateLimit({ perSecond: 0, burst: 1, loopback: false, maxPeers: 10 }),
      access: new AccessRules(rules),
      clock: { now: () => peer.now },
      respond: (asked, answer, now) => peer.engine.respond(asked, answer, now),
      wake: () => undefined,
      showInternals: false,
    });
    let messageId = 0;
    return async (who, path) => {
      const segments = path.includes('/') ? path.split('/') : ['func', path, 'f'];
      const bytes = bytesOf({
        code: method.FETCH,
        messageId: ++messageId,
        payload: encodeCbor([]),
        options: segments.map((segment) => stringOption(optionNumber.uriPath, segment)),
      });
      const key = who?.name ?? 'device';
      const endpoint = { ...endpointOf(key), ...(who !== undefined && { principal: who }) };
      peer.engine.receive([{ bytes, endpoint, multicast: false }], peer.now);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return peer.outputBytes().flatMap((datagram) => {
        const message = decodeMessage(datagram);
        return isMalformed(message) ? [] : [message];
      });
    };
  }

  const codes = (messages: readonly Message[]): number[] => messages.map(({ code }) => code);

  test('tells the function who called', async () => {
    const ask = gateway(openAccess);
    expect(codes(await ask(meter, 'math'))).toEqual([responseCode.content]);
    expect(codes(await ask(undefined, 'oslist'))).toEqual([responseCode.content]);
    expect(calls.map(({ caller }) => caller)).toEqual([
      { identity: 'meter-7', groups: ['meters', 'north'], peer: '127.0.0.1:40000' },
      { identity: 'local', groups: [], peer: '127.0.0.1:40000' },
    ]);
  });

  test('answers 4.03 before anything runs, also by the compact path', async () => {
    const ask = gateway([rule({ group: 'meters', functions: ['math/*'] })]);
    for (const path of ['math', 'f/0/0']) {
      const [answer] = await ask(lamp, path);
      expect(answer?.code).toBe(responseCode.forbidden);
      expect(decodeCbor(answer?.payload ?? new Uint8Array())).toEqual({ 'funcoap:e': new Map([[0, 33]]) });
    }
    expect(calls).toEqual([]);
    expect(codes(await ask(meter, 'math'))).toEqual([responseCode.content]);
  });

  test('gives nobody from the cache what they may not call, however often others have said the same words', async () => {
    const ask = gateway([rule({ identity: 'meter-7', functions: ['math/*'] })]);
    for (let i = 0; i < 4; i++) {
      expect(codes(await ask(meter, 'math'))).toEqual([responseCode.content]);
      expect(codes(await ask(lamp, 'math'))).toEqual([responseCode.forbidden]);
      expect(codes(await ask(undefined, 'math'))).toEqual([responseCode.unauthorized]);
    }
    expect(calls).toHaveLength(1);
  });

  test("counts a caller's own rate on loopback too", async () => {
    const ask = gateway([rule({ identity: 'meter-7', rate: { perSecond: 1, burst: 2 } }), rule({ functions: ['*'] })]);
    for (const expected of [responseCode.content, responseCode.content, responseCode.tooManyRequests]) {
      expect(codes(await ask(meter, 'math'))).toEqual([expected]);
    }
    for (let i = 0; i < 5; i++) expect(codes(await ask(lamp, 'math'))).toEqual([responseCode.content]);
  });

  test('names who called in the access log', async () => {
    const seen: RequestAnswered[] = [];
    const listen = (event: unknown): void => void seen.push(event as RequestAnswered);
    channels.request.subscribe(listen);
    try {
      await gateway([])(meter, 'math');
    } finally {
      channels.request.unsubscribe(listen);
    }
    expect(seen.map(({ identity, code, problem }) => [identity, code, problem])).toEqual([
      ['meter-7', '4.03', 'access-denied'],
    ]);
  });
});
