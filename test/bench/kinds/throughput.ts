/**
 * As many answers as there can be: a closed loop against every contestant in turn, round by round. The servers of a
 * scenario run side by side, of which one has work at a time.
 */
import { InternalError } from '../../../src/core/error.ts';
import type { Call } from '../calls.ts';
import { contestants } from '../contestants.ts';
import { faultsOf } from '../load.ts';
import type { Comparison } from '../results.ts';
import { valuesOf } from '../results.ts';
import { rotated, type Bench, type Entry, type ThroughputScenario } from '../scenario.ts';
import { warmUp } from './warm-up.ts';

export interface ThroughputOptions extends Omit<Comparison, 'metric'> {
  readonly entries: ThroughputScenario['entries'];
}

type Running = Awaited<ReturnType<Bench['start']>>;

const serverKey = ({ contestant, server, variant = '' }: Entry): string => `${contestant} ${server ?? variant}`;

/** @throws InternalError where a server does not know all that it will be asked */
async function fill(bench: Bench, server: Running, call: Call, distinct: number): Promise<void> {
  const measurement = await bench.measure(server, call, { once: 'fill', distinct });
  if (faultsOf(measurement) > 0)
    throw new InternalError('bench-fill', `Filling ${server.name} had faults: ${JSON.stringify(measurement.faults)}.`);
}

async function run(bench: Bench, scenario: string, entries: readonly Entry[]): Promise<void> {
  await using servers = new AsyncDisposableStack();
  const started = new Map<string, Running>();
  for (const entry of entries) {
    if (started.has(serverKey(entry))) continue;
    const server = servers.use(await bench.start(entry.contestant, entry.call, entry.setting));
    started.set(serverKey(entry), server);
    if (entry.fill !== undefined) await fill(bench, server, entry.call, entry.fill);
    await warmUp(bench, server, entry.call, entry.load);
  }
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const entry of rotated(entries, round)) {
      const server = started.get(serverKey(entry));
      if (server === undefined) continue;
      const measurement = await bench.measure(server, entry.call, entry.load);
      const { contestant, variant = '' } = entry;
      const { serverMicroseconds, ...others } = valuesOf(measurement);
      // Of several processes only the first one's time is known.
      const values =
        contestants[contestant].spreads === true || serverMicroseconds === undefined
          ? others
          : { ...others, serverMicroseconds };
      bench.record({ scenario, contestant, variant, round, values, faults: measurement.faults });
    }
  }
}

export function throughput({ name, title, entries }: ThroughputOptions): ThroughputScenario {
  const present = (bench: Bench): Entry[] => {
    const all = entries(bench);
    const names = bench.present([...new Set(all.map(({ contestant }) => contestant))]);
    return all.filter(({ contestant }) => names.includes(contestant));
  };
  return {
    name,
    title,
    metric: 'requestsPerSecond',
    entries,
    measurements: (bench) => present(bench).length * bench.options.rounds,
    run: (bench) => run(bench, name, present(bench)),
  };
}
