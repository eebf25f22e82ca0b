/** The benchmark's own instruments: a generator that took every answer for right would measure nothing. */
import { availableParallelism } from 'node:os';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, type Programs } from '../bench/build.ts';
import { faultsOf, measure, type Measurement } from '../bench/load.ts';
import type { BenchOptions } from '../bench/options.ts';
import { probe } from '../bench/probe.ts';
import { requestTo, scenarios, type Answer, type Scenario } from '../bench/scenarios.ts';
import { startServer } from '../bench/servers.ts';
import { ratiosByRound, spreadOf } from '../bench/statistics.ts';

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

const options: BenchOptions = {
  micro: false,
  rounds: 1,
  seconds: 0.2,
  warmUpSeconds: 0.05,
  only: [],
  endpoints: 64,
  inFlight: 8,
  writes: false,
};

const scenarioOf = (name: string): Scenario => {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new TypeError(`There is no scenario ${name}.`);
  return found;
};

describe.skipIf(missing !== undefined)(`the load generator${missing === undefined ? '' : ` (${missing})`}`, () => {
  let programs: Programs;

  /** The limit server always answers 2.05 with ETag, Content-Format 60, Max-Age 3600 and 30. */
  const load = async (name: string, answer: Partial<Answer> = {}): Promise<Measurement> => {
    const scenario = scenarioOf(name);
    await using server = await startServer('limit', scenario, programs);
    await probe('limit', server.port, requestTo('limit', scenario));
    return await measure(
      programs.generator,
      server,
      { ...scenario, answer: { ...scenario.answer, ...answer } },
      undefined,
      65_536,
      options,
    );
  };

  beforeAll(() => {
    programs = buildPrograms();
  });

  afterAll(() => {
    programs[Symbol.dispose]();
  });

  it.each(['fetch-hit', 'get-hit', 'valid', 'non'])('finds every answer right: %s', async (name) => {
    const measurement = await load(name);
    expect(measurement.correct).toBeGreaterThan(100);
    expect(faultsOf(measurement)).toBe(0);
  });

  it('counts an answer with another payload as a fault, and no such answer in the rate', async () => {
    const measurement = await load('fetch-hit', { payload: '181f' });
    expect(measurement.wrongPayload).toBe(measurement.answered);
    expect(faultsOf(measurement)).toBe(measurement.answered);
    expect(measurement.requestsPerSecond).toBe(0);
  });

  it('counts an answer with another code as a fault', async () => {
    const measurement = await load('fetch-hit', { code: '2.04' });
    expect(measurement.wrongCode).toBe(measurement.answered);
    expect(measurement.requestsPerSecond).toBe(0);
  });

  it('counts an answer that belongs to another request as a fault', async () => {
    const scenario = scenarioOf('fetch-miss');
    const measurement = await load('fetch-miss', scenario.answer);
    expect(measurement.wrongPayload).toBe(measurement.answered);
  });
});

describe('medians and ratios', () => {
  it('takes the middle of an odd number of rounds and the mean of the two middles of an even one', () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, lowest: 10, highest: 30 });
    expect(spreadOf([40, 10, 20, 30])).toEqual({ median: 25, lowest: 10, highest: 40 });
    expect(spreadOf([])).toBeUndefined();
  });

  it('divides only what was measured in the same round', () => {
    const of = new Map([
      [1, 10],
      [2, 30],
      [3, 5],
    ]);
    const to = new Map([
      [1, 20],
      [2, 20],
      [4, 1],
    ]);
    expect(ratiosByRound(of, to)).toEqual([0.5, 1.5]);
  });
});
