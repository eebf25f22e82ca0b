/** Many devices at once, as after a power cut: each sends one request, and sends it again where no answer comes. */
import type { Call } from '../calls.ts';
import { contestants, type ContestantName } from '../contestants.ts';
import { valuesOf, type Comparison } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';

export interface BurstOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
  readonly devices: number;
}

export function burst({ name, title, call, contestants: names, devices }: BurstOptions): Scenario {
  return {
    name,
    title,
    metric: 'lost',
    measurements: (bench) => bench.present(names).length * bench.options.rounds,
    run: async (bench) => {
      await using servers = new AsyncDisposableStack();
      const running: Awaited<ReturnType<Bench['start']>>[] = [];
      for (const contestant of bench.present(names)) running.push(servers.use(await bench.start(contestant, call)));
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const server of rotated(running, round)) {
          await bench.measure(server, call); // no server is cold when the lights come back
          const before = server.dropped();
          const m = await bench.measure(server, call, { once: 'burst', inFlight: devices, endpoints: devices });
          const dropped = server.dropped() - before;
          if (dropped > 0)
            bench.note(
              `burst: the kernel dropped ${dropped} of ${devices} datagrams to ${contestants[server.name].title}, whose receive buffer was full.`,
            );
          if (server.complaint().includes('net.core.rmem_max'))
            bench.note(
              `burst: ${contestants[server.name].title} says that the kernel did not grant its receive buffer.`,
            );
          const answeredFirst = m.answeredFirst ?? 0;
          // From the burst to the last answer; a rate would say nothing.
          const { requestsPerSecond: _, generatorCpu: __, ...values } = valuesOf(m);
          bench.record({
            scenario: name,
            contestant: server.name,
            variant: '',
            round,
            values: { ...values, answeredFirst, lost: devices - answeredFirst },
            faults: m.faults,
          });
        }
      }
    },
  };
}
