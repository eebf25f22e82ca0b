/**
 * What a flood of beginnings of handshakes costs those who are connected: the same load with and without it. ClientHellos
 * without a cookie come at a fifth of what the machine's limit echoes, those with one at ten times the handshakes that
 * are begun in a second. Flood and load share a processor. They are measured in slices, by turns with and without.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { defaultDtlsLimits } from '../../../src/dtls/options.ts';
import { InternalError } from '../../../src/core/error.ts';
import type { Call } from '../calls.ts';
import { floodVariant } from '../flood-variant.ts';
import type { ContestantName } from '../contestants.ts';
import type { Measurement } from '../load.ts';
import type { Comparison } from '../results.ts';
import { rotated, type Bench, type Scenario } from '../scenario.ts';
import { loadCpu } from '../servers.ts';
import { bySlices, sliceSeconds } from './slices.ts';
import { warmUp } from './warm-up.ts';

export interface FloodOptions extends Omit<Comparison, 'metric'> {
  readonly call: Call;
  readonly contestants: readonly ContestantName[];
  readonly sessions: number;
}

type Running = Awaited<ReturnType<Bench['start']>>;

const ofTheLimit = 0.2;
const ofTheHandshakeRate = 10;
/** The flood has begun before the load, and goes on behind it. */
const marginSeconds = 0.5;

function begin(
  program: string,
  kind: 'hello' | 'cookie',
  port: number,
  rate: number,
  seconds: number,
): () => Promise<void> {
  const args = ['-c', String(loadCpu), program, kind, String(port), String(rate), String(seconds)];
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = once(child, 'close');
  return async () => {
    await closed;
    const { sent } = JSON.parse(output === '' ? '{}' : output) as { readonly sent?: number };
    // Half of it would not be what it says.
    if (sent === undefined || sent < (rate * seconds) / 2)
      throw new InternalError('bench-flood', `The flood sent ${sent ?? 'no'} datagrams instead of ${rate * seconds}.`);
  };
}

async function measureBeside(
  bench: Bench,
  server: Running,
  { call, sessions }: FloodOptions,
  flood: { readonly kind: 'hello' | 'cookie'; readonly rate: number } | undefined,
): Promise<Measurement> {
  const { floodGenerator } = bench.programs;
  const load = { endpoints: sessions, seconds: sliceSeconds };
  if (flood === undefined) return await bench.measure(server, call, load);
  const lasts = sliceSeconds + bench.options.warmUpSeconds + marginSeconds;
  const end = begin(floodGenerator, flood.kind, server.port, Math.round(flood.rate), lasts);
  const measurement = await bench.measure(server, call, load);
  await end();
  return measurement;
}

export function flood(options: FloodOptions): Scenario {
  const { name, title, call, contestants } = options;
  return {
    name,
    title,
    metric: 'requestsPerSecond',
    measurements: (bench) => bench.present(contestants).length * bench.options.rounds * 3,
    run: async (bench) => {
      await using servers = new AsyncDisposableStack();
      const limit = servers.use(await bench.start('limit', call));
      const running: Running[] = [];
      const handshakeRate = defaultDtlsLimits.maxHandshakesPerSecond;
      const setting = { environment: { FUNCOAP_COAPS_HANDSHAKE_RATE: String(handshakeRate) } };
      for (const contestant of bench.present(contestants)) {
        const server = servers.use(await bench.start(contestant, call, setting));
        await warmUp(bench, server, call, { endpoints: options.sessions });
        running.push(server);
      }
      for (let round = 1; round <= bench.options.rounds; round++) {
        const { requestsPerSecond: echoed } = await bench.measure(limit, call);
        const floods = {
          [floodVariant.none]: undefined,
          [floodVariant.cookies]: { kind: 'cookie', rate: handshakeRate * ofTheHandshakeRate },
          [floodVariant.hellos]: { kind: 'hello', rate: echoed * ofTheLimit },
        } as const;
        for (const server of rotated(running, round)) {
          const figures = await bySlices(Object.values(floodVariant), round, (variant) =>
            measureBeside(bench, server, options, floods[variant]),
          );
          for (const figure of figures) bench.record({ scenario: name, contestant: server.name, round, ...figure });
        }
      }
    },
  };
}
