/**
 * What it costs to have a call cross to a thread and its result come back, processor time of both threads together, by the
 * ways that were compared for docs/decisions/0005-calls-in-shared-memory.md.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Link } from '../../../src/functions/runtimes/node/link.ts';
import { createRing } from '../../../src/functions/runtimes/node/ring.ts';
import { spreadOf } from '../statistics.ts';
import type { StepTime } from './measure.ts';

const ways = ['a message each', 'batched messages', 'rings'] as const;
const batches = [1, 4, 16, 64];
const rounds = 3;
const callsEach = 6400;

export interface PlainCall {
  readonly id: number;
  readonly args: readonly number[];
}

export interface CrossingStart {
  readonly way: (typeof ways)[number];
  readonly incoming: SharedArrayBuffer;
  readonly outgoing: SharedArrayBuffer;
}

/** Sends so many calls at once; `back` is told of each that returned. */
type Send = (calls: readonly PlainCall[]) => void;

function senderOf(way: CrossingStart['way'], worker: Worker, start: CrossingStart, back: () => void): Send {
  if (way === 'a message each') {
    worker.on('message', back);
    return (calls) => {
      for (const call of calls) worker.postMessage({ kind: 'run', method: 'add', ...call });
    };
  }
  if (way === 'batched messages') {
    worker.on('message', (results: readonly unknown[]) => results.forEach(back));
    return (calls) => worker.postMessage(calls.map((call) => ({ kind: 'run', method: 'add', ...call })));
  }
  const link = new Link({
    outgoing: start.incoming,
    incoming: start.outgoing,
    post: (parcel, transfer) => worker.postMessage(parcel, transfer),
    frame: (reader) => {
      reader.float();
      reader.value();
      back();
    },
    message: () => undefined,
  });
  worker.on('message', (parcel: unknown) => {
    for (let all = link.accept(parcel); !all; all = link.drain());
  });
  return (calls) => {
    for (const { id, args } of calls) {
      const frame = link.begin();
      frame.float(id);
      frame.arguments(args);
      link.send();
    }
    link.wake();
  };
}

async function measure(way: CrossingStart['way'], batch: number): Promise<StepTime> {
  const start: CrossingStart = { way, incoming: createRing(), outgoing: createRing() };
  const worker = new Worker(new URL('./crossing-worker.ts', import.meta.url), { workerData: start });
  await once(worker, 'online');
  let left = 0;
  let all = Promise.withResolvers<void>();
  const send = senderOf(way, worker, start, () => {
    if (--left === 0) all.resolve();
  });
  const calls = Array.from({ length: batch }, (_, id) => ({ id, args: [id, 20] }));
  const perCall: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let done = 0; done < callsEach; done += batch) {
      left = batch;
      all = Promise.withResolvers();
      send(calls);
      await all.promise;
    }
    const { user, system } = process.cpuUsage(before);
    // The first is to warm up.
    if (round >= 0) perCall.push(((user + system) * 1000) / callsEach);
  }
  await worker.terminate();
  const nanoseconds = spreadOf(perCall) ?? { median: 0, lowest: 0, highest: 0 };
  return { name: `to a thread and back, ${way}, ${batch} at once`, nanoseconds };
}

export async function crossingTimes(): Promise<StepTime[]> {
  const times: StepTime[] = [];
  for (const batch of batches) for (const way of ways) times.push(await measure(way, batch));
  return times;
}
