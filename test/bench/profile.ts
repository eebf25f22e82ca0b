/** Where the time of funcoap goes: V8's own profiler under the load of a scenario, summed up by function. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/core/error.ts';
import type { Programs } from './build.ts';
import { defaultLoad } from './compare.ts';
import type { ContestantName } from './contestants.ts';
import { measure, type Measurement } from './load.ts';
import type { BenchOptions } from './options.ts';
import { probe } from './probe.ts';
import { hotVariant } from './results.ts';
import { scenarios } from './scenarios.ts';
import { startServer } from './servers.ts';
import { table } from './table.ts';

const root = join(import.meta.dirname, '../..');
/** One for each door. */
const profiled: readonly ContestantName[] = ['funcoap', 'funcoap-coaps', 'funcoap-http'];

/** What is used of a `.cpuprofile` (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds from the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  /** File and line; empty for what is not JavaScript. */
  readonly place: string;
  /** Of the time in which the thread was not idle, from 0 to 1. */
  readonly share: number;
}

export interface ThreadTime {
  readonly busySeconds: number;
  readonly seconds: number;
  readonly functions: readonly SelfTime[];
}

function placeOf(url: string, line: number): string {
  if (url === '') return '';
  const path = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
  return `${path}:${line + 1}`;
}

/** The functions with the most time of their own, of the last seconds of a profile: what comes before is the start. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, most: number, lastSeconds: number): ThreadTime {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { name: string; place: string; microseconds: number }>();
  const microsecondsOfAll = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  let toSkip = microsecondsOfAll - lastSeconds * 1e6;
  let busy = 0;
  let all = 0;
  for (const [i, id] of samples.entries()) {
    toSkip -= timeDeltas[i] ?? 0;
    if (toSkip > 0) continue;
    const frame = frames.get(id);
    // A sample stands for the time until the next one.
    const microseconds = timeDeltas[i + 1] ?? 0;
    all += microseconds;
    if (frame === undefined || frame.functionName === '(idle)') continue;
    busy += microseconds;
    const place = placeOf(frame.url, frame.lineNumber);
    const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
    const key = `${name} ${place}`;
    const known = times.get(key);
    if (known === undefined) times.set(key, { name, place, microseconds });
    else known.microseconds += microseconds;
  }
  const functions = [...times.values()]
    .sort((a, b) => b.microseconds - a.microseconds)
    .slice(0, most)
    .map(({ name, place, microseconds }) => ({ name, place, share: busy === 0 ? 0 : microseconds / busy }));
  return { busySeconds: busy / 1e6, seconds: all / 1e6, functions };
}

const shownFunctions = 25;
/** Threads that did next to nothing are not shown. */
const leastBusySeconds = 0.2;
/** Long enough that the start does not show. */
const profiledSeconds = 8;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function threadText(thread: ThreadTime, i: number): string {
  const rows = thread.functions.map(({ name, place, share }) => [`\`${name}\``, place, percent(share)]);
  const title = i === 0 ? 'The busiest thread' : `Thread ${i + 1}`;
  return `## ${title}: busy ${percent(thread.busySeconds / thread.seconds)} of ${thread.seconds.toFixed(1)} s\n\n${table(['function', 'where', 'self'], rows)}`;
}

/** The page that it wrote. */
export async function profileScenario(name: string, programs: Programs, options: BenchOptions): Promise<string> {
  const scenario = scenarios.find((one) => one.name === name);
  const context = { options, programs };
  const entry =
    scenario !== undefined && 'entries' in scenario
      ? scenario
          .entries(context)
          .findLast(({ contestant, variant = '' }) => profiled.includes(contestant) && !variant.endsWith(hotVariant))
      : undefined;
  if (scenario === undefined || entry === undefined)
    throw new UsageError('bench-option', `--profile takes a scenario of throughput with funcoap, and ${name} is none.`);
  const folder = mkdtempSync(join(programs.folder, 'profile-'));
  const { call, setting = {}, load, fill } = entry;
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  let measured: Measurement;
  {
    await using server = await startServer(entry.contestant, { call, setting, nodeFlags }, programs);
    const { etag } = await probe(server, call);
    const all = { ...defaultLoad, seconds: profiledSeconds, warmUpSeconds: options.warmUpSeconds };
    if (fill !== undefined) await measure(programs, server, call, etag, { ...all, once: 'fill', distinct: fill });
    measured = await measure(programs, server, call, etag, { ...all, ...load });
  }
  const threads = readdirSync(folder)
    .map((file) =>
      selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, shownFunctions, profiledSeconds),
    )
    .filter(({ busySeconds }) => busySeconds > leastBusySeconds)
    .sort((a, b) => b.busySeconds - a.busySeconds);
  const file = join(root, 'docs/performance', `profile-${name}.md`);
  mkdirSync(join(root, 'docs/performance'), { recursive: true });
  const what = entry.variant === undefined ? '' : ` (${entry.variant})`;
  writeFileSync(
    file,
    `# Profile: ${scenario.title}${what}\n\n` +
      `Time of their own of funcoap's functions, written by \`npm run bench -- --profile ${name}\`: ` +
      `${Math.round(measured.requestsPerSecond).toLocaleString('en')} requests/s under the profiler, which itself costs time, ` +
      `with ${percent(measured.serverCpu)} of a processor. A function's system calls are its own time; what runs before ` +
      `JavaScript is entered, reading the socket above all, V8 takes for idle. ` +
      `Threads that were busy for less than ${leastBusySeconds} s are left out.\n\n` +
      `${threads.map(threadText).join('\n\n')}\n`,
  );
  return relative(root, file);
}
