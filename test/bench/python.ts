/**
 * `node test/bench/python.ts`: what a call of a Python function costs over CoAP, beside the same function in TypeScript on a
 * worker thread and a result from the cache. Every counter is fresh but for the cached. Ratios of one run are what counts.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { buildPrograms } from './build.ts';
import { counter } from './calls.ts';

const run = promisify(execFile);
const python = `from funcoap import pure, safe
@safe
def add(a, b): return a + b
@pure(max_age=3600)
def kept(a, b): return a + b
@safe
async def later(a, b): return a + b
`;
const typescript = '/** @safe */\nexport function add(a: number, b: number): number { return a + b; }\n';

interface Figures {
  readonly requestsPerSecond: number;
  readonly serverCpu: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly latencyMicroseconds: { readonly p50: number; readonly p99: number };
}

using programs = buildPrograms();
const gateway = await GatewayProcess.start({ libraries: { 'py/py.py': python, 'ts/index.ts': typescript } });
try {
  process.stdout.write(
    '| function | in flight | calls/s | median µs | 99 % µs | gateway µs/call |\n|---|---|---|---|---|---|\n',
  );
  for (const [path, distinct] of [
    ['py/add', undefined],
    ['py/later', undefined],
    ['ts/add', undefined],
    ['py/kept', 1],
  ] as const) {
    for (const inFlight of [1, 16, 64]) {
      const options: Readonly<Record<string, string | number | undefined>> = {
        'server': `127.0.0.1:${gateway.port}`,
        'method': 'FETCH',
        'path': `func/${path}`,
        'content-format': 60,
        'payload': `821a${counter}01`,
        'expect-code': '2.05',
        'expect-addition': 1,
        'endpoints': 1,
        'in-flight': inFlight,
        'distinct': distinct,
        'warm-up': 1,
        'seconds': 2,
        'pid': gateway.pid,
      };
      const args = Object.entries(options).flatMap(([name, value]) =>
        value === undefined ? [] : [`--${name}`, String(value)],
      );
      const { stdout } = await run(programs.generator, args);
      const { requestsPerSecond, serverCpu, latencyMicroseconds, faults } = JSON.parse(stdout) as Figures;
      const wrong = Object.values(faults).reduce((sum, count) => sum + count, 0);
      if (wrong > 0) throw new Error(`${path}: ${wrong} answers were wrong: ${JSON.stringify(faults)}`);
      const cells = [
        path,
        inFlight,
        Math.round(requestsPerSecond),
        latencyMicroseconds.p50,
        latencyMicroseconds.p99,
        ((serverCpu / requestsPerSecond) * 1e6).toFixed(1),
      ];
      process.stdout.write(`| ${cells.join(' | ')} |\n`);
    }
  }
} finally {
  await gateway.stop();
}
