/** The whole comparison: one scenario after the other, in each round every contestant. */
import { InternalError } from '../../src/core/error.ts';
import type { Programs } from './build.ts';
import type { Call } from './calls.ts';
import { contestantNames, contestants, type ContestantName, type Setting } from './contestants.ts';
import { measure, type Load } from './load.ts';
import { describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { probe, type Probed } from './probe.ts';
import { summarise, type Results, type Sample } from './results.ts';
import type { Bench, Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { startServer, type Server } from './servers.ts';

/** Where a run tells how far it is. */
export interface Watcher {
  note(text: string): void;
  /** The measurements that are to come. */
  begin(measurements: number): void;
  scenario(scenario: Scenario): void;
  measured(sample: Sample): void;
  end(): void;
}

type Versions = Readonly<Partial<Record<ContestantName, string>>>;

export const defaultLoad: Pick<Load, 'inFlight' | 'endpoints'> = { inFlight: 64, endpoints: 1024 };
/** More than one measurement sends. */
const countersEach = 2 ** 22;
/** Beyond the largest set of distinct requests. */
const firstCounter = 2 ** 24;

function findVersions(programs: Programs, note: (text: string) => void): Versions {
  const versions: Partial<Record<ContestantName, string>> = {};
  for (const name of contestantNames) {
    const { title, version, advice } = contestants[name];
    const found = version(programs);
    if (found === undefined) note(`${title} is left out: it is not on this machine (${advice}).`);
    else versions[name] = found;
  }
  return versions;
}

class Comparison implements Bench {
  readonly options: BenchOptions;
  readonly programs: Programs;
  readonly samples: Sample[] = [];
  readonly notes: string[] = [];
  readonly failures: string[] = [];
  readonly versions: Versions;
  readonly #watcher: Watcher;
  readonly #only: readonly ContestantName[];
  #counter = firstCounter;

  constructor(options: BenchOptions, programs: Programs, watcher: Watcher) {
    this.options = options;
    this.programs = programs;
    this.#watcher = watcher;
    this.versions = findVersions(programs, (text) => this.note(text));
    this.#only = contestantNames.filter((name) => options.only.includes(name));
  }

  present(names: readonly ContestantName[]): ContestantName[] {
    const wanted = this.#only.length === 0 ? names : names.filter((name) => this.#only.includes(name));
    return wanted.filter((name) => this.versions[name] !== undefined);
  }

  async start(name: ContestantName, call: Call, setting: Setting = {}): Promise<Server & Probed> {
    const server = await startServer(name, { call, setting }, this.programs);
    try {
      return { ...server, ...(await probe(server, call)) };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  measure(server: Server & Probed, call: Call, load: Partial<Load> = {}): ReturnType<typeof measure> {
    const { seconds, warmUpSeconds } = this.options;
    this.#counter += countersEach;
    const counterStart = this.#counter;
    return measure(this.programs, server, call, server.etag, {
      ...defaultLoad,
      seconds,
      warmUpSeconds,
      counterStart,
      ...load,
    });
  }

  record(sample: Sample): void {
    this.samples.push(sample);
    this.#watcher.measured(sample);
  }

  /** A scenario that could not be measured: the run goes on, and does not count. */
  fail(text: string): void {
    this.failures.push(text);
    this.#watcher.note(text);
  }

  note(text: string): void {
    if (this.notes.includes(text)) return;
    this.notes.push(text);
    this.#watcher.note(text);
  }
}

export async function compare(programs: Programs, options: BenchOptions, watcher: Watcher): Promise<Results> {
  const machine = describeMachine();
  const bench = new Comparison(options, programs, watcher);
  if (machine.otherLoad > 0.5)
    bench.note(
      `The machine had other work (load ${machine.otherLoad.toFixed(1)}) when this began: rates are low and ranges wide.`,
    );
  const named = scenarios.filter(({ name }) => options.only.includes(name));
  const wanted = named.length === 0 ? scenarios : named;
  watcher.begin(wanted.reduce((sum, scenario) => sum + scenario.measurements(bench), 0));
  for (const scenario of wanted) {
    if (scenario.measurements(bench) === 0) continue;
    watcher.scenario(scenario);
    try {
      await scenario.run(bench);
    } catch (error) {
      if (!(error instanceof InternalError)) throw error;
      // The others are still worth their time.
      bench.fail(`${scenario.name} ended early: ${error.message}`);
    }
  }
  watcher.end();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine,
    versions: bench.versions,
    options,
    notes: bench.notes,
    failures: bench.failures,
    summaries: wanted.flatMap((scenario) => summarise(bench.samples, scenario)),
    samples: bench.samples,
  };
}
