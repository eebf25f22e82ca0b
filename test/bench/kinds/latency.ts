/**
 * Latency at half of what a server can take at most: requests arrive at a fixed rate, and their time counts from the
 * moment of arrival, whether or not the server kept them waiting before they left. `disturbed` is the same beside
 * a library function that loops in a worker, measured in short slices by turns without and with the loop: a p99 is
 * made by the worst milliseconds, which the machine has now and then whatever runs on it, so that of one long measurement each
 * says nothing about the other. What the loop does it does in every slice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../calls.ts';
import type { ContestantName } from '../contestants.ts';
import { postOnce } from '../probe.ts';
import type { Measurement } from '../load.ts';
import { valuesOf, type Comparison } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';
import { bySlices, sliceSeconds } from './slices.ts';
import { warmUp } from './warm-up.ts';

export interface LatencyOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
}

/** Room for what a server that stalls for some time leaves unanswered. */
const room = { inFlight: 1024, endpoints: 1024 };
const half = 0.5;

type Running = Awaited<ReturnType<Bench['start']>>;

async function atHalf(bench: Bench, server: Running, call: Call, highest: number) {
  return bench.measure(server, call, { ...room, rate: highest * half });
}

export function latency({ name, title, call, contestants }: LatencyOptions): Scenario {
  return {
    name,
    title,
    metric: 'p99',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds,
    run: async (bench) => {
      await using servers = new AsyncDisposableStack();
      const running: Running[] = [];
      for (const contestant of bench.present(contestants)) {
        const server = servers.use(await bench.start(contestant, call));
        running.push(server);
        await warmUp(bench, server, call);
      }
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const server of rotated(running, round)) {
          const { requestsPerSecond } = await bench.measure(server, call);
          const { faults, ...measurement } = await atHalf(bench, server, call, requestsPerSecond);
          const values = valuesOf({ faults, ...measurement });
          bench.record({ scenario: name, contestant: server.name, variant: '', round, values, faults });
        }
      }
    },
  };
}

/** The loop has begun before the load, and goes on behind it. */
const marginSeconds = 0.3;
const variants = ['quiet', 'beside a loop'] as const;

async function besideLoop(server: Running, seconds: number, measure: () => Promise<Measurement>): Promise<Measurement> {
  const milliseconds = Math.ceil((seconds + 2 * marginSeconds) * 1000);
  const end = performance.now() + milliseconds;
  await postOnce(server.port, 'func/spin/loop', `milliseconds=${milliseconds}`);
  const measurement = await measure();
  await sleep(Math.max(0, end + marginSeconds * 1000 - performance.now()));
  return measurement;
}

export function disturbed({ name, title, call, contestants }: LatencyOptions): Scenario {
  return {
    name,
    title,
    metric: 'p99',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds * variants.length,
    run: async (bench) => {
      await using servers = new AsyncDisposableStack();
      const running: Running[] = [];
      for (const contestant of bench.present(contestants)) {
        const server = servers.use(await bench.start(contestant, call));
        running.push(server);
        await warmUp(bench, server, call);
      }
      const { warmUpSeconds, rounds } = bench.options;
      for (let round = 1; round <= rounds; round++) {
        for (const server of rotated(running, round)) {
          const { requestsPerSecond } = await bench.measure(server, call);
          const load = { ...room, rate: requestsPerSecond * half, seconds: sliceSeconds };
          const measure = (): Promise<Measurement> => bench.measure(server, call, load);
          const figures = await bySlices(variants, round, (variant) =>
            variant === 'quiet' ? measure() : besideLoop(server, warmUpSeconds + sliceSeconds, measure),
          );
          for (const figure of figures) bench.record({ scenario: name, contestant: server.name, round, ...figure });
        }
      }
    },
  };
}
