/** The benchmark's own instruments: a generator that took every answer for right would measure nothing. */
import { availableParallelism } from 'node:os';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { buildPrograms, type Programs } from '../bench/build.ts';
import { fetchSum, getSum, inlineSum, nonSum, setStart, textOf, validSum, type Call } from '../bench/calls.ts';
import type { ContestantName } from '../bench/contestants.ts';
import { faultsOf, measure, type Load, type Measurement } from '../bench/load.ts';
import { probe } from '../bench/probe.ts';
import { startServer } from '../bench/servers.ts';

function missingTool(): string | undefined {
  if (process.platform !== 'linux' || availableParallelism() < 2) return 'needs Linux with two processors';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs gcc and taskset';
  }
}

const missing = missingTool();

const short: Load = { inFlight: 8, endpoints: 64, seconds: 0.4, warmUpSeconds: 0.1 };

describe.skipIf(missing !== undefined)(`the load generator${missing === undefined ? '' : ` (${missing})`}`, () => {
  let programs: Programs;

  /** `asked` of a server that was started for `served`. */
  const load = async (
    name: ContestantName,
    served: Call,
    asked: Call = served,
    options: Partial<Load> = {},
  ): Promise<Measurement> => {
    await using server = await startServer(name, { call: served }, programs);
    const { etag } = await probe(server, served);
    return await measure(programs, server, asked, etag, { ...short, ...options });
  };

  beforeAll(() => {
    programs = buildPrograms();
  });

  afterAll(() => {
    programs[Symbol.dispose]();
  });

  it.each([
    ['FETCH', fetchSum],
    ['GET', getSum],
    ['2.03', validSum],
    ['NON', nonSum],
  ])('finds every answer right: %s', async (_, call) => {
    const measurement = await load('limit', call);
    expect(measurement.correct).toBeGreaterThan(100);
    expect(measurement.faults).toEqual({});
  });

  it('counts an answer with another payload as a fault, and no such answer in the rate', async () => {
    const measurement = await load('limit', fetchSum, { ...fetchSum, answer: '181f' });
    expect(measurement.faults).toEqual({ wrongPayload: measurement.answered });
    expect(measurement.requestsPerSecond).toBe(0);
  });

  it('counts an answer with another code as a fault', async () => {
    const measurement = await load('limit', fetchSum, { ...fetchSum, code: '2.03' });
    expect(measurement.faults).toEqual({ wrongCode: measurement.answered });
    expect(measurement.requestsPerSecond).toBe(0);
  });

  it('counts requests that nobody answers as faults', async () => {
    await using server = await startServer('limit', { call: fetchSum }, programs);
    await probe(server, fetchSum);
    await server[Symbol.asyncDispose]();
    // NON, as a confirmable request would be sent again for half a minute.
    const non = { ...fetchSum, confirmable: false };
    const measurement = await measure(programs, server, non, undefined, { ...short, once: 'burst', inFlight: 5 });
    expect(measurement.faults).toEqual({ unanswered: 5 });
    const closed = await measure(programs, server, fetchSum, undefined, short);
    expect(closed.faults).toEqual({ unanswered: 8 });
  });

  it('sends a burst of one request from each device and ends with the last answer', async () => {
    const measurement = await load('limit', fetchSum, fetchSum, { once: 'burst', inFlight: 300, endpoints: 300 });
    expect(measurement).toMatchObject({ answered: 300, answeredFirst: 300, faults: {} });
    expect(measurement.elapsedSeconds).toBeLessThan(5);
  });

  it('keeps to the rate of an open loop', async () => {
    const measurement = await load('limit', fetchSum, fetchSum, { rate: 2000, warmUpSeconds: 0 });
    const { answered, backlog = 0, elapsedSeconds } = measurement;
    // Whatever the server and a busy machine do: so many have arrived, and each is accounted for.
    expect((answered + backlog) / elapsedSeconds).toBeCloseTo(2000, -2);
    expect(answered).toBeGreaterThan(0);
    expect(measurement.faults).toEqual({});
  });

  it('counts the latency of an open loop from when a request should have left', async () => {
    // A server that stands still for longer than the run: nothing is answered, and all that was due is told.
    await using server = await startServer('limit', { call: fetchSum }, programs);
    await probe(server, fetchSum);
    process.kill(server.pid, 'SIGSTOP');
    const resume = setTimeout(() => process.kill(server.pid, 'SIGCONT'), 400);
    try {
      const { latencyMicroseconds } = await measure(programs, server, fetchSum, undefined, {
        ...short,
        warmUpSeconds: 0,
        seconds: 1,
        rate: 1000,
      });
      // With eight requests in flight a closed loop would have seen eight slow ones.
      expect(latencyMicroseconds.p50).toBeLessThan(latencyMicroseconds.p90);
      expect(latencyMicroseconds.p90).toBeGreaterThan(100_000);
    } finally {
      clearTimeout(resume);
      process.kill(server.pid, 'SIGCONT');
    }
  });

  test.each(['funcoap', 'libcoap'] as const)('follows the blocks of a long result to their end: %s', async (name) => {
    if (name === 'libcoap' && programs.libcoap === undefined) return;
    const measurement = await load(name, textOf(1024), textOf(1024), { blockSize: 256 });
    expect(measurement.correct).toBeGreaterThan(10);
    expect(measurement.faults).toEqual({});
    // A transfer may begin before what is counted begins.
    expect(measurement.blocks).toBeGreaterThan(measurement.correct * 2);
  });

  it('finds a wrong byte in the middle of a long result', async () => {
    const call = textOf(1024);
    const answer = `${(call.answer ?? '').slice(0, 1000)}00${(call.answer ?? '').slice(1002)}`;
    const measurement = await load('funcoap', call, { ...call, answer }, { blockSize: 256 });
    expect(measurement.correct).toBe(0);
    expect(measurement.faults['wrongPayload']).toBe(measurement.answered);
  });

  it('asks with fresh arguments where it is told to, and checks each answer by them', async () => {
    const measurement = await load('funcoap', inlineSum, inlineSum, { distinct: 10, freshPercent: 50 });
    expect(measurement.correct).toBeGreaterThan(10);
    expect(measurement.faults).toEqual({});
    const other = await load('funcoap', inlineSum, { ...inlineSum, addition: 2 });
    expect(other.faults['wrongPayload']).toBe(other.answered);
  });

  it('asks each of a set once to fill a cache', async () => {
    const measurement = await load('funcoap', inlineSum, inlineSum, { once: 'fill', distinct: 500 });
    expect(measurement).toMatchObject({ answered: 500, faults: {} });
    const few = await load('funcoap', inlineSum, inlineSum, { once: 'fill', distinct: 3 });
    expect(few).toMatchObject({ answered: 3, faults: {} });
    expect(setStart).toBe(65_536);
  });

  test.each(['http', 'fastify'] as const)('checks answers over HTTP as well: %s', async (name) => {
    const measurement = await load(name, fetchSum);
    expect(measurement.correct).toBeGreaterThan(10);
    expect(faultsOf(measurement)).toBe(0);
    const wrong = await load(name, fetchSum, { ...fetchSum, json: { request: '[10,20]', answer: '31' } });
    expect(wrong.faults['wrongPayload']).toBe(wrong.answered);
  });

  test.each(['echo', 'npm-coap', 'libcoap-few'] as const)('finds every answer of %s right', async (name) => {
    if (name === 'libcoap-few' && programs.libcoap === undefined) return;
    const measurement = await load(name, fetchSum);
    expect(measurement.correct).toBeGreaterThan(10);
    expect(measurement.faults).toEqual({});
  });
});
