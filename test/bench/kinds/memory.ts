/** What ten thousand peers cost that have each asked once, beside what funcoap says of it. */
import type { Call } from '../calls.ts';
import type { ContestantName, Setting } from '../contestants.ts';
import type { Comparison, Values } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';
import { freeUdpPort } from '../../transport/free-port.ts';

export interface MemoryOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
  readonly peers: number;
  /**
   * Peers that have asked before it counts: V8 makes the room for young objects several times as large once some ten
   * megabytes survive, however many come afterwards.
   */
  readonly before?: number;
}

/** A heap grows for some time. */
const warmUpSeconds = 2;
/** docs/config.md, `limits.peers`. */
const statedPeerBytes = 1200;
/** So that no peer is left out where some requests overtake others. */
const requestsPerPeer = 1.1;

const gauge = (text: string, name: string): number =>
  Number(new RegExp(`^funcoap_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

/** From funcoap's own metrics: peers, and the replies that are kept for duplicates. */
async function statedBytes(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return gauge(text, 'engine_peers') * statedPeerBytes + gauge(text, 'engine_safe_record_bytes');
}

async function measureOne(
  bench: Bench,
  contestant: ContestantName,
  { call, peers, before = 0 }: MemoryOptions,
): Promise<Values> {
  const metricsPort = await freeUdpPort();
  const setting: Setting = {
    environment: { FUNCOAP_METRICS_ENABLED: 'true', FUNCOAP_METRICS_PORT: String(metricsPort) },
  };
  await using server = await bench.start(contestant, call, setting);
  // Code is compiled and heaps have their size before it counts.
  await bench.measure(server, call, { endpoints: 64, seconds: warmUpSeconds });
  const statedBefore = contestant === 'funcoap' ? await statedBytes(metricsPort) : 0;
  const ask = async (all: number): Promise<void> => {
    const distinct = Math.ceil(all * requestsPerPeer);
    await bench.measure(server, call, { once: 'fill', distinct, inFlight: 50, endpoints: all });
  };
  if (before > 0) await ask(before);
  const residentBefore = server.memory();
  await ask(before + peers);
  const residentAfter = server.memory();
  const bytesPerPeer = (residentAfter - residentBefore) / peers;
  // Of sessions funcoap states nothing.
  if (contestant !== 'funcoap') return { residentBefore, residentAfter, bytesPerPeer };
  const statedBytesPerPeer = ((await statedBytes(metricsPort)) - statedBefore) / peers;
  return {
    residentBefore,
    residentAfter,
    bytesPerPeer,
    statedBytesPerPeer,
    toStated: bytesPerPeer / statedBytesPerPeer,
  };
}

export function memory(options: MemoryOptions): Scenario {
  const { name, title, contestants } = options;
  return {
    name,
    title,
    metric: 'bytesPerPeer',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds,
    run: async (bench) => {
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const contestant of rotated(bench.present(contestants), round)) {
          const values = await measureOne(bench, contestant, options);
          bench.record({ scenario: name, contestant, variant: '', round, values, faults: {} });
        }
      }
    },
  };
}
