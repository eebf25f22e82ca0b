import { afterEach, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findUint, opaqueOption, optionNumber, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { response } from '../../src/coap/response.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { refusalPayload } from '../../src/gateway/problem-response.ts';
import { Front } from '../../src/gateway/front.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { RateLimit, type RateLimitOptions } from '../../src/gateway/rate-limit.ts';
import type { Answer, Resource, Visit } from '../../src/gateway/resource.ts';
import { Router } from '../../src/gateway/router.ts';
import { Lockstep, type Handler } from '../coap/lockstep.ts';

const resource = (handle: (visit: Visit) => Answer | Promise<Answer>, more: Partial<Resource> = {}): Resource => ({
  methods: [method.GET],
  conditional: false,
  multicast: false,
  handle,
  ...more,
});

const hello: Answer = { response: response(responseCode.content, { payload: utf8('hello') }) };

function front(router: Router, rate: Partial<RateLimitOptions> = {}, showInternals = false, closed = false): Lockstep {
  const built = new Front({
    router,
    rateLimit: new RateLimit({ perSecond: 0, burst: 1, loopback: true, maxPeers: 100, ...rate }),
    access: new AccessRules(openAccess),
    clock: { now: () => peer.now },
    respond: (asked, answer, at) => peer.engine.respond(asked, answer, at),
    wake: () => undefined,
    showInternals,
  });
  if (closed) built.close();
  const handle: Handler = (request, _engine, now) => {
    built.handle(request, now);
    return undefined;
  };
  const peer: Lockstep = new Lockstep(handle, { refused: (refused) => built.refused(refused) });
  return peer;
}

const get = (messageId: number, ...segments: string[]): Parameters<Lockstep['send']>[0] => ({
  code: method.GET,
  messageId,
  options: segments.map((segment) => stringOption(optionNumber.uriPath, segment)),
});

/** The number of the problem that a response tells. */
const problemOf = (message: Message | undefined): unknown => {
  const details = decodeCbor(message?.payload ?? new Uint8Array(0));
  const [entry] = details instanceof Map ? details.values() : Object.values(details ?? {});
  return entry instanceof Map ? entry.get(0) : undefined;
};

const seen: RequestAnswered[] = [];
const listen = (event: unknown): void => {
  seen.push(event as RequestAnswered);
};
afterEach(() => {
  channels.request.unsubscribe(listen);
  seen.length = 0;
});

describe('routing', () => {
  test('a path that nothing serves is 4.04 with the number of the problem and Max-Age 0', () => {
    const [answer] = front(new Router()).send(get(1, 'nothing'));
    expect(answer?.code).toBe(responseCode.notFound);
    expect(problemOf(answer)).toBe(23);
    expect(findUint(answer?.options ?? [], optionNumber.maxAge)).toBe(0);
    expect(findUint(answer?.options ?? [], optionNumber.contentFormat)).toBe(257);
  });

  test('exact paths, wildcards and subtrees; the longest wins', () => {
    const named = (name: string): Resource =>
      resource(() => ({ response: response(responseCode.content, { payload: utf8(name) }) }));
    const router = new Router()
      .addSubtree(['a'], named('subtree'))
      .add(['a', '*'], named('wildcard'))
      .add(['a', 'b', 'c'], named('exact'));
    const peer = front(router);
    const at = (...path: string[]): string =>
      String.fromCharCode(...(peer.send(get(peer.requests.length, ...path))[0]?.payload ?? []));
    expect([at('a'), at('a', 'x'), at('a', 'b', 'c'), at('a', 'b', 'd')]).toEqual([
      'subtree',
      'wildcard',
      'exact',
      'subtree',
    ]);
    expect(peer.send(get(99, '*', 'x'))[0]?.code).toBe(responseCode.notFound);
  });

  test('a trailing empty segment is no segment', () => {
    const peer = front(
      new Router().add(
        ['a'],
        resource(() => hello),
      ),
    );
    expect(peer.send(get(1, 'a', ''))[0]?.code).toBe(responseCode.content);
  });

  test('a path or query that is not UTF-8 is 4.00', () => {
    const peer = front(new Router());
    for (const [messageId, number] of [
      [1, optionNumber.uriPath],
      [2, optionNumber.uriQuery],
    ] as const) {
      const options = [opaqueOption(number, Uint8Array.of(0xff))];
      expect(peer.send({ code: method.GET, messageId, options })).toMatchObject([{ code: responseCode.badRequest }]);
    }
  });

  test('a method that the resource does not offer is 4.05, an unassigned one too', () => {
    const peer = front(
      new Router().add(
        ['a'],
        resource(() => hello),
      ),
    );
    for (const code of [method.POST, method.PATCH, 31]) {
      expect(peer.send({ ...get(code, 'a'), code })[0]?.code).toBe(responseCode.methodNotAllowed);
    }
  });

  test('If-Match and If-None-Match are 4.02 where the resource does not understand them', () => {
    for (const option of [
      opaqueOption(optionNumber.ifMatch, Uint8Array.of(1)),
      opaqueOption(optionNumber.ifNoneMatch, new Uint8Array(0)),
    ]) {
      const options = [option, stringOption(optionNumber.uriPath, 'a')];
      const plain = front(
        new Router().add(
          ['a'],
          resource(() => hello),
        ),
      );
      expect(plain.send({ code: method.GET, messageId: 1, options })[0]?.code).toBe(responseCode.badOption);
      const conditional = front(
        new Router().add(
          ['a'],
          resource(() => hello, { conditional: true }),
        ),
      );
      expect(conditional.send({ code: method.GET, messageId: 1, options })[0]?.code).toBe(responseCode.content);
    }
  });

  test('only resources that allow it answer multicast requests', () => {
    const router = new Router()
      .add(
        ['a'],
        resource(() => hello),
      )
      .add(
        ['m'],
        resource(() => hello, { multicast: true }),
      );
    const peer = front(router);
    peer.send({ ...get(1, 'a'), type: messageType.NON }, 'device', true);
    peer.send({ ...get(2, 'm'), type: messageType.NON }, 'device', true);
    expect(peer.advance(seconds(10))).toHaveLength(1);
  });
});

describe('failures', () => {
  const failing = (error: unknown): Router => {
    const rejecting = async (): Promise<Answer> => {
      throw error;
    };
    return new Router()
      .add(
        ['now'],
        resource(() => {
          throw error;
        }),
      )
      .add(['later'], resource(rejecting));
  };

  test('a CallError is its response, thrown at once or later', async () => {
    const peer = front(failing(new CallError('time-limit', 'It ran out of time.')));
    expect(peer.send(get(1, 'now'))[0]?.code).toBe(responseCode.gatewayTimeout);
    peer.send(get(2, 'later'));
    await new Promise(setImmediate);
    expect(peer.output()[0]?.code).toBe(responseCode.gatewayTimeout);
  });

  test('any other error is 5.00, and its words leave the gateway only with the debug setting', () => {
    const secret = new Error('/etc/secret is missing');
    const why = {
      ...get(1, 'now'),
      options: [stringOption(optionNumber.uriPath, 'now'), stringOption(optionNumber.uriQuery, '_why')],
    };
    const [hidden] = front(failing(secret)).send(why);
    expect(hidden?.code).toBe(responseCode.internalServerError);
    expect(String.fromCharCode(...(hidden?.payload ?? []))).not.toContain('secret');
  });

  test('an answer that no message can carry is 5.00, given at once or later', async () => {
    const descending = [uintOption(optionNumber.maxAge, 1), uintOption(optionNumber.contentFormat, 0)];
    const wrong: Answer = { response: { ...response(responseCode.content), options: descending } };
    const router = new Router()
      .add(
        ['now'],
        resource(() => wrong),
      )
      .add(
        ['later'],
        resource(() => Promise.resolve(wrong)),
      );
    const peer = front(router);
    expect(peer.send(get(1, 'now'))[0]?.code).toBe(responseCode.internalServerError);
    expect(peer.send(get(2, 'later'))).toEqual([]);
    await new Promise(setImmediate);
    expect(peer.output()[0]?.code).toBe(responseCode.internalServerError);
    expect(peer.engine.counters()).toMatchObject({ pending: 0, timers: 0 });
  });

  test('_why adds words, Accept 50 makes them JSON', () => {
    const peer = front(failing(new CallError('no-such-method', 'There is no such thing.')));
    const path = stringOption(optionNumber.uriPath, 'now');
    const [short] = peer.send(get(1, 'now'));
    const why = stringOption(optionNumber.uriQuery, '_why');
    const [words] = peer.send({ code: method.GET, messageId: 2, options: [path, why] });
    expect(words?.payload.length).toBeGreaterThan(short?.payload.length ?? Infinity);
    const [json] = peer.send({
      code: method.GET,
      messageId: 3,
      options: [path, why, uintOption(optionNumber.accept, 50)],
    });
    expect(JSON.parse(String.fromCharCode(...(json?.payload ?? [])))).toMatchObject({
      detail: 'There is no such thing.',
      status: 404,
    });
  });
});

describe('what the engine refuses by itself', () => {
  const path = stringOption(optionNumber.uriPath, 'a');
  const refused = (...options: ReturnType<typeof opaqueOption>[]): Message | undefined => {
    const peer = new Lockstep(undefined, { refusalPayload });
    return peer.send({ code: method.GET, messageId: 1, options: [path, ...options] })[0];
  };

  test.each([
    ['an unknown critical option', opaqueOption(65_001, new Uint8Array(1)), 25],
    ['a reserved block size', uintOption(optionNumber.block2, 7), 28],
    ['a missing block', uintOption(optionNumber.block1, 0x10), 27],
    ['a body that is too large', uintOption(optionNumber.block1, 0xfffff6), 26],
    ['a proxy request', stringOption(optionNumber.proxyScheme, 'http'), 32],
  ])('%s is told by its number, and in words on request', (_name, option, number) => {
    const answer = refused(option);
    expect(problemOf(answer)).toBe(number);
    expect(findUint(answer?.options ?? [], optionNumber.contentFormat)).toBe(257);
    const words = refused(option, stringOption(optionNumber.uriQuery, '_why'));
    expect(words?.payload.length).toBeGreaterThan((answer?.payload.length ?? 0) + 20);
  });
});

describe('the rate of a peer (RFC 8516)', () => {
  test('more than the burst is 4.29 with the seconds to wait; the rate is earned again', () => {
    const peer = front(
      new Router().add(
        ['a'],
        resource(() => hello),
      ),
      { perSecond: 0.5, burst: 2 },
    );
    const codes = [1, 2, 3].map((messageId) => peer.send(get(messageId, 'a'))[0]);
    expect(codes.map((message) => message?.code)).toEqual([
      responseCode.content,
      responseCode.content,
      responseCode.tooManyRequests,
    ]);
    expect(findUint(codes[2]?.options ?? [], optionNumber.maxAge)).toBe(2);
    peer.advance(milliseconds(2000));
    expect(peer.send(get(4, 'a'))[0]?.code).toBe(responseCode.content);
    expect(peer.send(get(5, 'a'), 'another')[0]?.code).toBe(responseCode.content);
  });

  test('peers on loopback are not limited unless that is set', () => {
    const peer = front(
      new Router().add(
        ['a'],
        resource(() => hello),
      ),
      { perSecond: 1, burst: 1, loopback: false },
    );
    for (let messageId = 1; messageId < 20; messageId++)
      expect(peer.send(get(messageId, 'a'))[0]?.code).toBe(responseCode.content);
    peer.send(get(1, 'a'), 'far');
    expect(peer.send(get(2, 'a'), 'far')[0]?.code).toBe(responseCode.tooManyRequests);
  });
});

test('a gateway that is being stopped takes no further requests: 5.03 with when to come back', () => {
  const router = new Router().add(
    ['a'],
    resource(() => hello),
  );
  const [answer] = front(router, {}, false, true).send(get(1, 'a'));
  expect(answer?.code).toBe(responseCode.serviceUnavailable);
  expect(findUint(answer?.options ?? [], optionNumber.maxAge)).toBe(5);
  expect(problemOf(answer)).toBe(17);
});

describe('the access log', () => {
  test('an answer is published with what it took and gave', () => {
    channels.request.subscribe(listen);
    const answer: Answer = { ...hello, cache: 'hit', queued: milliseconds(3), ran: milliseconds(4) };
    const peer = front(
      new Router().addSubtree(
        ['func'],
        resource(() => answer),
      ),
    );
    peer.send(get(1, 'func', 'math', 'add'));
    expect(seen).toMatchObject([
      {
        peer: '127.0.0.1:40000',
        identity: 'local',
        method: 'GET',
        target: 'math/add',
        code: '2.05',
        cache: 'hit',
        queuedMs: 3,
        ranMs: 4,
        revalidated: false,
      },
    ]);
    // 4 header, func 5, math 5, add 4 · 4 header, marker 1, hello 5
    expect(seen[0]).toMatchObject({ bytesIn: 18, bytesOut: 10 });
  });

  test('what the engine refuses by itself is published too', () => {
    channels.request.subscribe(listen);
    const peer = front(
      new Router().add(
        ['a'],
        resource(() => hello),
      ),
    );
    peer.send({
      ...get(1, 'a'),
      options: [stringOption(optionNumber.uriPath, 'a'), uintOption(optionNumber.block1, 0xfffff6)],
    });
    expect(seen).toMatchObject([{ method: 'GET', target: 'a', code: '4.13', problem: 'too-large' }]);
    expect(seen[0]?.bytesOut).toBeGreaterThan(4);
  });

  test('an error is published with its name', () => {
    channels.request.subscribe(listen);
    front(new Router()).send(get(1, 'nothing'));
    expect(seen).toMatchObject([{ code: '4.04', problem: 'no-such-resource', target: 'nothing' }]);
  });
});
