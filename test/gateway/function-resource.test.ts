/** What a call is told of its time, where a reload of its library comes before it. */
import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { response } from '../../src/coap/response.ts';
import { after, milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { Call } from '../../src/functions/call.ts';
import { FunctionResource } from '../../src/gateway/resources/function.ts';
import { nothingFollowed } from './nothing-followed.ts';
import { Lockstep } from '../coap/lockstep.ts';
import { functionOf } from '../functions/functions-of.ts';

test('waiting for a reload takes nothing from the time limit', async () => {
  const fn = functionOf('/** @safe @timeLimit 1 */ export function f() {}');
  const reload = Promise.withResolvers<void>();
  const calls: Call[] = [];
  let now = 0 as Instant;
  const resource = new FunctionResource({
    followed: nothingFollowed,
    directory: { revision: 1, pending: () => reload.promise, find: () => fn, findById: () => fn },
    invoker: {
      invoke: (call) => {
        calls.push(call);
        return Promise.resolve({
          value: 1,
          readCaller: false,
          tags: [],
          queued: milliseconds(0),
          ran: milliseconds(0),
        });
      },
    },
    cache: new ResultCache(),
    bodies: { read: () => Promise.reject(new CallError('internal-error', 'There is no large body here.')) },
    clock: { now: () => now },
    timeLimit: seconds(10),
  });
  let answered: unknown;
  const peer = new Lockstep((request) => {
    const caller = { identity: 'local', peer: 'device' };
    answered = resource.handle({
      request,
      path: ['func', 'test', 'f'],
      query: [],
      target: 'test',
      caller,
      access: new AccessRules(openAccess).of(undefined),
      correlationId: '1',
      now,
    });
    return response(responseCode.content);
  });
  peer.send({ code: method.GET, messageId: 1 });
  now = after(now, seconds(2));
  reload.resolve();
  await answered;
  expect(calls.map(({ deadline }) => deadline)).toEqual([after(now, seconds(1))]);
});
