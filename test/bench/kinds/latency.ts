/**
 * Latency at half of what a server can take at most: requests arrive at a fixed rate, and their time counts from the
 * moment of arrival, whether or not the server kept them waiting before they left. `disturbed` is the same beside
 * a library function that loops for ever in a worker.
 */
import type { Call } from '../calls.ts';
import type { ContestantName } from '../contestants.ts';
import { postOnce } from '../probe.ts';
import { valuesOf, type Comparison } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';

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
      for (const contestant of bench.present(contestants))
        running.push(servers.use(await bench.start(contestant, call)));
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

export function disturbed({ name, title, call, contestants }: LatencyOptions): Scenario {
  return {
    name,
    title,
    metric: 'p99',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds * 2,
    run: async (bench) => {
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const contestant of rotated(bench.present(contestants), round)) {
          // A process each: a loop ends with its process only.
          await using server = await bench.start(contestant, call);
          const { requestsPerSecond } = await bench.measure(server, call);
          for (const variant of ['quiet', 'beside a loop']) {
            if (variant !== 'quiet') await postOnce(server.port, 'func/spin/forever');
            const measurement = await atHalf(bench, server, call, requestsPerSecond);
            const { faults } = measurement;
            bench.record({ scenario: name, contestant, variant, round, values: valuesOf(measurement), faults });
          }
        }
      }
    },
  };
}
