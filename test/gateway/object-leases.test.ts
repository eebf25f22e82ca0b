/** Whose room objects take: of who has no identity each address has a share, so that none takes what all of them have. */
import { expect, test } from 'vitest';
import { seconds } from '../../src/core/duration.ts';
import type { Caller } from '../../src/functions/call.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { ObjectLeases } from '../../src/gateway/object-leases.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { functionOf } from '../functions/functions-of.ts';

const of = functionOf('export class Account {}');

function leases(): { take(caller: Caller): string; readonly all: ObjectLeases; readonly clock: ManualScheduler } {
  const clock = new ManualScheduler();
  const all = new ObjectLeases({
    lease: seconds(60),
    maxObjects: 9,
    maxObjectsPerIdentity: 5,
    maxObjectsPerPeer: 2,
    scheduler: clock,
    expired: () => undefined,
  });
  let made = 0;
  return {
    all,
    clock,
    /** The id, or why there is none. */
    take(caller) {
      try {
        all.checkRoom(caller, 1, 'None: ');
      } catch (error) {
        if (error instanceof CallError) return `${error.code} ${error.message}`;
        throw error;
      }
      const { id } = all.keep(`id${++made}`, caller, of);
      all.wait();
      return id;
    },
  };
}

const from = (peer: string): Caller => ({ identity: 'local', peer });

test('an address has so many, from whatever port; all of them have so many together', () => {
  const { take } = leases();
  expect([take(from('192.0.2.1:1')), take(from('192.0.2.1:2'))]).toEqual(['id1', 'id2']);
  expect(take(from('192.0.2.1:3'))).toBe(
    'rate-exceeded None: 2 objects of address 192.0.2.1 are there already, and 2 may be; let go of some (DELETE /o/…).',
  );
  expect([take(from('[2001:db8::1]:1')), take(from('[2001:db8::1:2]:2'))]).toEqual(['id3', 'id4']);
  // A host has as many addresses in its network as it likes.
  expect(take(from('[2001:db8:0:0:f::3]:3'))).toMatch(/^rate-exceeded .* of address 2001:db8::\/64 /);
  expect(take(from('[2001:db8:0:1::1]:1'))).toBe('id5');
  expect(take(from('192.0.2.3:1'))).toMatch(/^rate-exceeded .*5 objects of local /);
});

test('who has an identity has the room of that, from any address; this machine shares what those without one have', () => {
  const { take } = leases();
  const ann: Caller = { identity: 'ann', peer: '192.0.2.1:1' };
  expect(Array.from({ length: 6 }, () => take(ann)).at(-1)).toMatch(/^rate-exceeded .*5 objects of ann /);
  const own = [take(from('127.0.0.1:1')), take(from('127.0.0.1:1')), take(from('127.0.0.1:2')), take(from('[::1]:1'))];
  expect(own).toEqual(['id6', 'id7', 'id8', 'id9']);
  expect(take(from('127.0.0.1:1'))).toMatch(/^overloaded /);
});

test('an identity whose name is an address has its own room all the same', () => {
  const { take } = leases();
  take(from('192.0.2.1:1'));
  take(from('192.0.2.1:2'));
  const named: Caller = { identity: '192.0.2.1', peer: '192.0.2.9:1' };
  expect(Array.from({ length: 6 }, () => take(named)).map((told) => told.slice(0, 13))).toEqual([
    ...['id3', 'id4', 'id5', 'id6', 'id7'],
    'rate-exceeded',
  ]);
});

test('what is let go of, or was not used for its lease, makes room again for its address', () => {
  const { take, all, clock } = leases();
  const peer = from('192.0.2.1:1');
  const first = all.get(take(peer));
  take(peer);
  if (first !== undefined) all.forget(first);
  expect([take(peer), take(peer).slice(0, 13)]).toEqual(['id3', 'rate-exceeded']);
  clock.advance(seconds(60));
  expect([take(peer), take(peer), all.size]).toEqual(['id4', 'id5', 2]);
});
