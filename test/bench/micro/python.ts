/**
 * What a call of a Python function costs by the CBOR that its process speaks, and both sides' codecs alone: for
 * docs/decisions/0012-python.md. Where there is no python3 with cbor2, of Node's side alone.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Decoder } from 'cbor-x/decode';
import { Encoder } from 'cbor-x/encode';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import type { Instant } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import type { CallResult } from '../../../src/functions/call.ts';
import { Registry } from '../../../src/functions/registry.ts';
import { encodeInOrder } from '../../../src/functions/runtimes/python/in-order.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { codecs, pythonWithCbor2 } from '../../interop/pages/python.ts';
import { spreadOf } from '../statistics.ts';
import { measureStep, type Step, type StepTime } from './measure.ts';
import { rows, source } from './python-values.ts';

const host = fileURLToPath(new URL('../../../src/functions/runtimes/python/host', import.meta.url));
const rounds = 5;
const roundMs = 200;

/** Call, arguments, and how many are under way at a time. */
const calls: readonly (readonly [title: string, method: string, args: readonly Value[], atOnce: number])[] = [
  ['add(a, b)', 'add', [1, 2], 64],
  ['1,000 rows come back', 'rows', [], 4],
  ['1,000 rows go there', 'take', [rows], 4],
  ['100 kB of bytes come back', 'data', [], 4],
  ['a mixed value comes back', 'mixed', [], 16],
];

type Caller = (method: string, args: readonly Value[]) => Promise<CallResult>;

/** A registry with a Python process of its own, for each codec. */
async function openCallers(stack: AsyncDisposableStack): Promise<readonly (readonly [codec: string, call: Caller])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'bench'));
  writeFileSync(join(folder, 'bench/bench.py'), source);
  const callers: (readonly [string, Caller])[] = [];
  for (const [codec, python] of codecs) {
    const registry = await Registry.open({ folder, scheduler: systemScheduler, python });
    stack.defer(() => registry.close());
    await registry.pending('bench');
    const call: Caller = async (method, args) =>
      registry.invoke({
        function: registry.find('bench', method),
        args,
        caller: { identity: 'local', peer: '127.0.0.1:40000' },
        correlationId: 'c0ffee12',
        deadline: (performance.now() + 60_000) as Instant,
      });
    callers.push([codec, call]);
  }
  return callers;
}

interface Figures {
  readonly call: number;
  /** Of the processor. */
  readonly gateway: number;
  readonly python: number;
}

async function measureRound(call: Caller, [, method, args, atOnce]: (typeof calls)[number]): Promise<Figures> {
  const used = async (): Promise<number> => Number((await call('used', [])).value);
  const usedBefore = await used();
  const before = process.cpuUsage();
  const start = performance.now();
  let done = 0;
  const keepCalling = async (): Promise<void> => {
    for (; performance.now() - start < roundMs; done++) await call(method, args);
  };
  await Promise.all(Array.from({ length: atOnce }, keepCalling));
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const python = (await used()) - usedBefore;
  return { call: (wall * 1e6) / done, gateway: ((user + system) * 1000) / done, python: (python * 1e9) / done };
}

/** The codecs by turns, so that a machine that slows down slows all of them. */
async function callTimes(): Promise<StepTime[]> {
  await using stack = new AsyncDisposableStack();
  const callers = await openCallers(stack);
  const times: StepTime[] = [];
  for (const each of calls) {
    const figures = callers.map((): Figures[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [at, [, call]] of callers.entries()) {
        const measured = await measureRound(call, each);
        // The first is to warm up.
        if (round > 0) figures[at]?.push(measured);
      }
    }
    for (const [at, [codec]] of callers.entries()) {
      for (const part of ['call', 'gateway', 'python'] as const) {
        const nanoseconds = spreadOf(figures[at]?.map((of) => of[part]) ?? []);
        if (nanoseconds !== undefined) times.push({ name: `Python: ${each[0]}, ${codec}: ${part}`, nanoseconds });
      }
    }
  }
  return times;
}

function nodeSteps(): Step[] {
  const theirs = new Decoder({ useRecords: false, mapsAsObjects: false });
  const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
  const values: readonly (readonly [string, Value])[] = [
    ['a run', [1, 123_456, 'add', 5000.5, 10_000, 'local', [], '127.0.0.1:40000', 'c0ffee12', new Uint8Array(8), true]],
    ['1,000 rows', rows],
    ['100 kB of bytes', new Uint8Array(100_000)],
  ];
  return values.flatMap(([name, value]) => {
    const { bytes } = encodeInOrder(value);
    const buffer = Buffer.from(bytes);
    return [
      { name: `Node: write ${name}, ours`, run: () => encodeInOrder(value) },
      { name: `Node: write ${name}, cbor-x`, run: () => encoder.encode(value) },
      {
        name: `Node: read ${name}, ours`,
        run: () => decodeCbor(bytes),
      },
      // As maps first: as objects, keys that are numbers become text.
      { name: `Node: read ${name}, cbor-x`, run: () => objectsOf(theirs.decode(buffer)) },
    ];
  });
}

/** Maps whose keys are all text as objects, which is what functions and peers are given. */
function objectsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(objectsOf);
  if (!(value instanceof Map)) return value;
  const members: [string, unknown][] = [];
  for (const [key, member] of value as ReadonlyMap<unknown, unknown>) {
    if (typeof key !== 'string') return value;
    members.push([key, objectsOf(member)]);
  }
  return Object.fromEntries(members);
}

function pythonSteps(python: string): StepTime[] {
  const script = fileURLToPath(new URL('python-codec.py', import.meta.url));
  const steps = JSON.parse(
    execFileSync(python, ['-B', script, host], { encoding: 'utf8', input: source }),
  ) as readonly (readonly [name: string, times: readonly [number, number, number]])[];
  return steps.map(([name, [lowest, median, highest]]) => ({ name, nanoseconds: { lowest, median, highest } }));
}

export async function pythonTimes(): Promise<StepTime[]> {
  const times = nodeSteps().map(measureStep);
  if (pythonWithCbor2 === undefined) return times;
  times.push(...pythonSteps(pythonWithCbor2), ...(await callTimes()));
  return times;
}
