/** Batches of who is revoked while they run: real rules, cache and objects, functions that the test decides, a clock that stands still. */
import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { timeOfDay, type TimeOfDay } from '../../src/core/time-of-day.ts';
import type { Call, CallResult, Caller } from '../../src/functions/call.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { Batches } from '../../src/gateway/batch.ts';
import { Objects } from '../../src/gateway/objects.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { functionOf } from '../functions/functions-of.ts';

const fn = functionOf('export function change(): number { return 1; }');
const given: CallResult = {
  value: 1,
  readCaller: false,
  tags: [],
  queued: milliseconds(0),
  ran: milliseconds(0),
};
const remote = { address: '192.0.2.1', port: 4000 };
const endpoint = { key: 'ann', remote, local: remote, loopback: false };

/** Sends a batch of four calls, of which the second one is where the identity becomes what `becomes` says; how many were begun. */
async function sent(caller: Caller, becomes: TimeOfDay | undefined): Promise<[begun: number, outcome: unknown]> {
  let since: TimeOfDay | undefined = timeOfDay(7);
  const calls: Call[] = [];
  const invoke = async (call: Call): Promise<CallResult> => {
    calls.push(call);
    if (calls.length === 2) since = becomes;
    return given;
  };
  const clock = new ManualScheduler();
  const parts = { timeLimit: seconds(10), scheduler: clock, randomBytes: systemRandomness.bytes };
  const sizes = { lease: seconds(60), maxObjects: 1, maxObjectsPerIdentity: 1, maxObjectsPerPeer: 1 };
  const batches = new Batches({
    directory: { pending: () => undefined, revision: 1, find: () => fn, findById: () => fn },
    invoker: { invoke },
    cache: new ResultCache(),
    objects: new Objects({
      ...parts,
      ...sizes,
      invoker: { invoke, holds: () => false, open: () => Promise.reject(new Error('There are no streams.')) },
    }),
    rateLimit: new RateLimit({ perSecond: 0, burst: 1, loopback: false, maxPeers: 1 }),
    enrolled: () => ({
      byName: (name) => (name === 'ann' && since !== undefined ? { enrolled: since } : undefined),
      onEnd: () => () => undefined,
    }),
    clock,
    timeLimit: seconds(10),
  });
  const body = encodeCbor(Array.from({ length: 4 }, () => ['test/change']));
  const request = { body, bodyFormat: 60, query: [], safe: false, format: 60 } as const;
  const access = new AccessRules(openAccess).of(undefined);
  const outcome = await batches.run(request, { caller, endpoint, access, correlationId: 'a' }).then(
    () => 'done',
    (error: unknown) => error,
  );
  return [calls.length, outcome];
}

const ann = { identity: 'ann', enrolled: timeOfDay(7), peer: '192.0.2.1:4000' };

test.each([
  ['is revoked', undefined],
  ['is revoked, and whose name is given to somebody else,', timeOfDay(8)],
])('a batch of who %s in the middle ends there, and says how far it came', async (_, becomes) => {
  expect(await sent(ann, becomes)).toEqual([
    2,
    expect.objectContaining({
      code: 'identity-needed',
      details: expect.objectContaining({ batch: { index: 2, results: [1, 1] } }) as unknown,
    }),
  ]);
});

test('a batch of who stays, or never had an identity, runs to its end', async () => {
  expect(await sent(ann, timeOfDay(7))).toEqual([4, 'done']);
  expect(await sent({ identity: 'local', peer: '192.0.2.1:4000' }, undefined)).toEqual([4, 'done']);
});
