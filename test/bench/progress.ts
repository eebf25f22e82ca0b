/** How far a run is: a bar that moves on a terminal, a line for each scenario elsewhere. */
import { contestants } from './contestants.ts';
import type { Watcher } from './compare.ts';
import type { Sample } from './results.ts';

export interface Progress {
  readonly done: number;
  readonly all: number;
  readonly elapsedSeconds: number;
}

const width = 28;

/** `1 min 5 s`, rounded up so that it does not end early. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Measurements take about the same time each, so what is left takes as long as what was. */
export function barText({ done, all, elapsedSeconds }: Progress): string {
  const part = all === 0 ? 1 : done / all;
  const full = Math.round(part * width);
  const left = done === 0 ? '' : `  ${durationText((elapsedSeconds / done) * (all - done))} left`;
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${done}/${all}${left}`;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const figure = ({ values }: Sample): string =>
  values.requestsPerSecond === undefined ? '' : ` ${Math.round(values.requestsPerSecond).toLocaleString('en')}/s`;

export function watch(output: Output, now: () => number): Watcher {
  const moves = output.isTTY === true;
  const start = now();
  let all = 0;
  let done = 0;
  let current = '';
  const progress = (): Progress => ({ done, all, elapsedSeconds: (now() - start) / 1000 });
  const line = (text: string): void => {
    output.write(moves ? `\r\x1b[K${text}\n` : `${text}\n`);
  };
  const draw = (text: string): void => {
    if (moves) output.write(`\r\x1b[K${`${barText(progress())}  ${text}`.slice(0, (output.columns ?? 80) - 1)}`);
  };
  return {
    note: (text) => line(`note: ${text}`),
    begin: (measurements) => {
      all = measurements;
      if (!moves) line(`${all} measurements`);
    },
    scenario: ({ name, title }) => {
      current = name;
      if (!moves) line(`${barText(progress())}  ${name}: ${title}`);
      draw(current);
    },
    measured: (sample) => {
      done++;
      const faults = Object.entries(sample.faults).filter(([, count]) => count > 0);
      if (faults.length > 0)
        line(
          `FAULTS of ${contestants[sample.contestant].title} in ${sample.scenario}: ${faults.map(([name, count]) => `${count} ${name}`).join(', ')}`,
        );
      draw(`${current} ${sample.contestant}${figure(sample)}`);
    },
    end: () => line(`${done} measurements in ${durationText((now() - start) / 1000)}`),
  };
}
