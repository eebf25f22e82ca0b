import { expect, it } from 'vitest';
import { milliseconds, never } from '../../src/core/duration.ts';
import { Alarm } from '../../src/functions/alarm.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';

it('an alarm rings once, at the earliest of its times, and sets no timer for what never comes', () => {
  const scheduler = new ManualScheduler();
  const rung: number[] = [];
  const alarm = new Alarm(scheduler, () => rung.push(scheduler.now()));
  alarm.by(never);
  expect(scheduler.nextDeadline()).toBeUndefined();
  const start = scheduler.now();
  for (const at of [30, 20, 40]) alarm.by((start + at) as typeof start);
  scheduler.advance(milliseconds(100));
  expect(rung.map((at) => at - start)).toEqual([20]);
});
