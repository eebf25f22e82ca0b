/** `npm run bench -- --micro`: what each step of a call costs, one after the other in this thread. */
import { bindingSteps } from './binding.ts';
import { cacheSteps } from './cache.ts';
import { cborSteps } from './cbor.ts';
import { crossingTimes } from './crossing.ts';
import { codecSteps } from './codec.ts';
import { journalTimes } from './journal.ts';
import { lastResult, measureStep, type StepTime } from './measure.ts';
import { pythonTimes } from './python.ts';
import { InternalError } from '../../../src/core/error.ts';

const nanoseconds = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

function line({ name, nanoseconds: { median, lowest, highest } }: StepTime): string {
  return `${name.padEnd(52)} ${nanoseconds(median).padStart(7)} ns  (${nanoseconds(lowest)}–${nanoseconds(highest)})`;
}

export async function runMicro(): Promise<string> {
  const steps = [...codecSteps(), ...cborSteps(), ...bindingSteps(), ...(await cacheSteps())];
  const lines = steps.map((step) => line(measureStep(step)));
  for (const times of [crossingTimes, journalTimes, pythonTimes]) lines.push(...(await times()).map(line));
  if (lastResult() === undefined) throw new InternalError('bench-micro', 'The last step returned nothing.');
  return `${lines.join('\n')}\n`;
}
