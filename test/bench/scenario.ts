/** What a scenario is, and what it finds when it runs. */
import type { Programs } from './build.ts';
import type { Call } from './calls.ts';
import type { ContestantName, Setting } from './contestants.ts';
import type { Load, Measurement } from './load.ts';
import type { BenchOptions } from './options.ts';
import type { Probed } from './probe.ts';
import type { Comparison, Sample } from './results.ts';
import type { Server } from './servers.ts';

export interface Scenario extends Comparison {
  /** How many measurements it reports, for the bar that shows how far the run is. */
  readonly measurements: (bench: Bench) => number;
  readonly run: (bench: Bench) => Promise<void>;
}

/** What a scenario runs with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly programs: Programs;
  /** Of these, those that take part. */
  present(names: readonly ContestantName[]): ContestantName[];
  /** Started, and answering. */
  start(name: ContestantName, call: Call, setting?: Setting): Promise<Server & Probed>;
  /** With the run's length, and 64 requests in flight from 1024 peers, where nothing else is said. */
  measure(server: Server & Probed, call: Call, load?: Partial<Load>): Promise<Measurement>;
  record(sample: Sample): void;
  /** Something that whoever reads the figures has to know. */
  note(text: string): void;
}

/** Every round but the first begins with another one, so that none is always behind a certain other. */
export const rotated = <T>(items: readonly T[], round: number): T[] => {
  const turn = items.length === 0 ? 0 : (round - 1) % items.length;
  return [...items.slice(turn), ...items.slice(0, turn)];
};

/** The profile of a scenario looks at the same load. */
export interface Entry {
  readonly contestant: ContestantName;
  readonly variant?: string;
  readonly call: Call;
  readonly setting?: Setting;
  readonly load?: Partial<Load>;
  /** So many distinct requests are asked once before. */
  readonly fill?: number;
  /** Entries of a contestant with the same name here share a process; without it `variant` is that name. */
  readonly server?: string;
}

export interface ThroughputScenario extends Scenario {
  readonly entries: (bench: Pick<Bench, 'options' | 'programs'>) => readonly Entry[];
}
