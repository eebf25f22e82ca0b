import { expect, test } from 'vitest';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { RestartPolicy } from '../../src/processes/restart-policy.ts';

const never = milliseconds(0);
const soon = milliseconds(500);
const well = seconds(60);

test('a process that served well is replaced at once, however often', () => {
  const policy = new RestartPolicy();
  expect(Array.from({ length: 20 }, () => policy.ended(well))).toEqual(Array(20).fill(100));
});

test('one that ends soon after each start is replaced later and later, and then not at all', () => {
  const policy = new RestartPolicy();
  const delays = [never, soon, never, soon, never, soon].map((served) => policy.ended(served));
  expect(delays).toEqual([100, 200, 400, 800, 1600, undefined]);
});

test('once it has served well, all begins anew', () => {
  const policy = new RestartPolicy();
  for (let i = 0; i < 4; i++) policy.ended(soon);
  expect(policy.ended(well)).toBe(100);
  expect(policy.ended(soon)).toBe(200);
});
