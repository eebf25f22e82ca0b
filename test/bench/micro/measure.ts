/** Nanoseconds for one small step, as the median of several batches long enough for the clock. */
import { spreadOf, type Spread } from '../statistics.ts';

export interface Step {
  readonly name: string;
  /** Its result is used, so that the work cannot be optimised away. */
  run(): unknown;
}

export interface StepTime {
  readonly name: string;
  readonly nanoseconds: Spread;
}

const batches = 15;
const batchMs = 40;
const warmUpMs = 250;

let sink: unknown;

function timeOf(step: Step, times: number): number {
  const start = performance.now();
  for (let i = 0; i < times; i++) sink = step.run();
  return performance.now() - start;
}

export function measureStep(step: Step): StepTime {
  let times = 1;
  for (let spent = 0; spent < warmUpMs;) {
    const took = timeOf(step, times);
    spent += took;
    if (took < batchMs) times *= 2;
  }
  const perRun: number[] = [];
  for (let batch = 0; batch < batches; batch++) perRun.push((timeOf(step, times) * 1e6) / times);
  const nanoseconds = spreadOf(perRun) ?? { median: 0, lowest: 0, highest: 0 };
  return { name: step.name, nanoseconds };
}

/** What the last step returned; reading it keeps every result observable. */
export const lastResult = (): unknown => sink;
