import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Instant } from '../../src/core/duration.ts';
import { TimerWheel, type Timer } from '../../src/core/timer-wheel.ts';

const at = (ms: number): Instant => ms as Instant;
const advanced = (wheel: TimerWheel<string>, ms: number): string[] => {
  const expired: string[] = [];
  wheel.advance(at(ms), (payload) => expired.push(payload));
  return expired;
};

describe('a timer wheel', () => {
  test('expires what is due, to the fraction of a millisecond, and nothing else', () => {
    const wheel = new TimerWheel<string>();
    wheel.arm(at(100.25), 'a');
    wheel.arm(at(100.5), 'b');
    expect(advanced(wheel, 100.2)).toEqual([]);
    expect(advanced(wheel, 100.25)).toEqual(['a']);
    expect(wheel.nextDeadline()).toBe(100.5);
    expect(advanced(wheel, 5000)).toEqual(['b']);
    expect(wheel.nextDeadline()).toBeUndefined();
  });

  test('hands over in the order of the deadlines, equal ones in the order of arming', () => {
    const wheel = new TimerWheel<string>();
    for (const [deadline, name] of [
      [30, 'd'],
      [10, 'a'],
      [300_000, 'e'],
      [17, 'b'],
      [17, 'c'],
    ] as const)
      wheel.arm(at(deadline), name);
    expect(advanced(wheel, 400_000)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('lets one that expires cancel another that is due at the same time', () => {
    const wheel = new TimerWheel<string>();
    const expired: string[] = [];
    wheel.arm(at(1), 'first');
    const second = wheel.arm(at(2), 'second');
    wheel.advance(at(10), (payload) => {
      expired.push(payload);
      wheel.cancel(second);
    });
    expect(expired).toEqual(['first']);
    expect(wheel.size).toBe(0);
  });

  test('keeps what is armed while it expires for the next call, even when it is due already', () => {
    const wheel = new TimerWheel<string>();
    wheel.arm(at(1), 'first');
    wheel.advance(at(10), () => wheel.arm(at(5), 'again'));
    expect(wheel.nextDeadline()).toBe(5);
    expect(advanced(wheel, 10)).toEqual(['again']);
  });

  test('loses no timer when the owner fails on one', () => {
    const wheel = new TimerWheel<string>();
    wheel.arm(at(1), 'bad');
    wheel.arm(at(2), 'good');
    expect(() =>
      wheel.advance(at(10), () => {
        throw new RangeError('owner');
      }),
    ).toThrow('owner');
    expect(advanced(wheel, 10)).toEqual(['good']);
  });

  test('takes deadlines of hours, of forever and of the past', () => {
    const wheel = new TimerWheel<string>(at(1_000_000));
    wheel.arm(at(Infinity), 'never');
    wheel.arm(at(200_000_000), 'days');
    wheel.arm(at(3), 'past');
    expect(wheel.nextDeadline()).toBe(3);
    expect(advanced(wheel, 1_000_000)).toEqual(['past']);
    expect(wheel.nextDeadline()).toBe(200_000_000);
    expect(advanced(wheel, 199_999_999)).toEqual([]);
    expect(advanced(wheel, 200_000_000)).toEqual(['days']);
    expect(wheel.nextDeadline()).toBe(Infinity);
    expect(wheel.size).toBe(1);
  });

  test('agrees with a sorted list over any run of arming, cancelling and advancing', () => {
    const span = fc.oneof(
      fc.integer({ min: -50, max: 50 }),
      fc.double({ min: 0, max: 70_000, noNaN: true }),
      fc.integer({ min: 60_000, max: 70_000 }),
      fc.integer({ min: 0, max: 20_000_000 }),
      fc.integer({ min: 16_000_000, max: 60_000_000 }),
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constant('arm' as const), span }),
      fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('advance' as const), span }),
      fc.record({ kind: fc.constant('toDeadline' as const) }),
    );
    const run = fc.property(
      fc.integer({ min: 0, max: 40_000_000_000 }),
      fc.array(step, { maxLength: 120 }),
      (start, steps) => {
        const wheel = new TimerWheel<number>(at(start));
        const model = new Map<number, { deadline: number; timer: Timer<number> }>();
        let now = start;
        let serial = 0;
        const advance = (to: number): void => {
          const before = [...model].filter(([, { deadline }]) => deadline <= to).map(([id]) => id);
          const expired: number[] = [];
          wheel.advance(at(to), (id) => expired.push(id));
          const deadlines = expired.map((id) => model.get(id)?.deadline ?? Number.NaN);
          expect(deadlines).toEqual(deadlines.toSorted((a, b) => a - b));
          expect(expired.toSorted((a, b) => a - b)).toEqual(before);
          for (const id of expired) model.delete(id);
          now = Math.max(now, to);
        };
        for (const one of steps) {
          if (one.kind === 'arm') {
            const deadline = now + one.span;
            const id = serial++;
            model.set(id, { deadline, timer: wheel.arm(at(deadline), id) });
          } else if (one.kind === 'cancel') {
            const chosen = [...model][one.which % Math.max(1, model.size)];
            if (chosen !== undefined) {
              wheel.cancel(chosen[1].timer);
              wheel.cancel(chosen[1].timer);
              model.delete(chosen[0]);
            }
          } else advance(one.kind === 'advance' ? now + one.span : (wheel.nextDeadline() ?? now));
          const earliest = Math.min(...[...model.values()].map(({ deadline }) => deadline));
          expect(wheel.nextDeadline() ?? Infinity).toBe(earliest);
          expect(wheel.size).toBe(model.size);
        }
      },
    );
    fc.assert(run, { numRuns: 500 });
  });
});
