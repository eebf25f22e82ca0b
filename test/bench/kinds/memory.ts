/** What ten thousand peers cost that have each asked once, beside what funcoap says of it. */
import type { Call } from '../calls.ts';
import type { ContestantName, Setting } from '../contestants.ts';
import type { Comparison, Values } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';
import { freePort } from '../servers.ts';

export interface MemoryOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
  readonly peers: number;
}

/** docs/config.md, `limits.peers`. */
const statedPeerBytes = 1200;
/** So that no peer is left out where some requests overtake others. */
const requestsPerPeer = 1.1;

const gauge = (text: string, name: string): number =>
  Number(new RegExp(`^funcoap_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

/** From funcoap's own metrics: peers, and the replies that are kept for duplicates. */
async function stated(port: number, peers: number): Promise<Values> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const bytes = gauge(text, 'engine_peers') * statedPeerBytes + gauge(text, 'engine_safe_record_bytes');
  return { statedBytesPerPeer: bytes / peers };
}

async function measureOne(bench: Bench, contestant: ContestantName, call: Call, peers: number): Promise<Values> {
  const metricsPort = await freePort();
  const setting: Setting = {
    environment: { FUNCOAP_METRICS_ENABLED: 'true', FUNCOAP_METRICS_PORT: String(metricsPort) },
  };
  await using server = await bench.start(contestant, call, setting);
  // Code is compiled and heaps have their size before it counts.
  await bench.measure(server, call, { endpoints: 64 });
  const residentBefore = server.memory();
  await bench.measure(server, call, {
    once: 'fill',
    distinct: Math.ceil(peers * requestsPerPeer),
    inFlight: 50,
    endpoints: peers,
  });
  const residentAfter = server.memory();
  return {
    residentBefore,
    residentAfter,
    bytesPerPeer: (residentAfter - residentBefore) / peers,
    ...(contestant === 'funcoap' ? await stated(metricsPort, peers) : {}),
  };
}

export function memory({ name, title, call, contestants, peers }: MemoryOptions): Scenario {
  return {
    name,
    title,
    metric: 'bytesPerPeer',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds,
    run: async (bench) => {
      for (let round = 1; round <= bench.options.rounds; round++) {
        for (const contestant of rotated(bench.present(contestants), round)) {
          const values = await measureOne(bench, contestant, call, peers);
          bench.record({ scenario: name, contestant, variant: '', round, values, faults: {} });
        }
      }
    },
  };
}
