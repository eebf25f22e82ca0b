/** From the start of the process to the first answer. */
import type { Call } from '../calls.ts';
import type { ContestantName } from '../contestants.ts';
import type { Comparison } from '../results.ts';
import { rotated, type Scenario } from '../scenario.ts';

export interface StartUpOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
}

export function startUp({ name, title, call, contestants }: StartUpOptions): Scenario {
  return {
    name,
    title,
    metric: 'startUpMs',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds,
    run: async (bench) => {
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const contestant of rotated(bench.present(contestants), round)) {
          await using server = await bench.start(contestant, call);
          const { startUpMs } = server;
          bench.record({ scenario: name, contestant, variant: '', round, values: { startUpMs }, faults: {} });
        }
      }
    },
  };
}
