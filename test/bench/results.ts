/**
 * What a run found, and its summary: medians with ranges, and ratios within the rounds. A measurement of another server
 * that had faults is void: it is in no median, and a ratio to a server of which too little is left is none. Faults of
 * funcoap void the run.
 */
import { contestants, type ContestantName } from './contestants.ts';
import { faultsTogether, isVoid } from './faults.ts';
import type { Measurement } from './load.ts';
import type { Machine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { ratiosByRound, spreadOf, type Spread } from './statistics.ts';

export const metrics = [
  'requestsPerSecond',
  'p50',
  'p90',
  'p99',
  'p999',
  'max',
  'serverMicroseconds',
  'startUpMs',
  'lost',
  'answeredFirst',
  'residentBefore',
  'residentAfter',
  'bytesPerPeer',
  'statedBytesPerPeer',
  'toStated',
  'retransmissions',
  'generatorCpu',
] as const;
export type Metric = (typeof metrics)[number];
export type Values = Readonly<Partial<Record<Metric, number>>>;

/** One measurement of one server. */
export interface Sample {
  readonly scenario: string;
  readonly contestant: ContestantName;
  /** What differs within the scenario, such as a size; empty where nothing does. */
  readonly variant: string;
  readonly round: number;
  readonly values: Values;
  readonly faults: Readonly<Record<string, number>>;
}

/** `n/a`: so many measurements are void that the others would say too little. */
export type Ratio = Spread | 'n/a';

export interface Summary {
  readonly scenario: string;
  readonly contestant: ContestantName;
  readonly variant: string;
  readonly values: Readonly<Partial<Record<Metric, Spread>>>;
  /** Of the compared metric to another contestant's, in the same rounds. */
  readonly ratios: Readonly<Partial<Record<ContestantName, Ratio>>>;
  /** The same by the processor time of a request, which other work on the machine moves less than it moves rates. */
  readonly processorRatios: Readonly<Partial<Record<ContestantName, Ratio>>>;
  /** To the first variant of the same contestant. */
  readonly toFirst: Ratio | undefined;
  readonly processorToFirst: Ratio | undefined;
  readonly faults: Readonly<Record<string, number>>;
}

/** Ends the variant of a scenario in which only a part of what a server knows is asked for. */
export const hotVariant = 'of them asked';

/** How the samples of a scenario are compared. */
export interface Comparison {
  readonly name: string;
  readonly title: string;
  readonly metric: Metric;
}

export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Partial<Record<ContestantName, string>>>;
  readonly options: BenchOptions;
  readonly notes: readonly string[];
  /** Why scenarios ended early. */
  readonly failures: readonly string[];
  readonly summaries: readonly Summary[];
  readonly samples: readonly Sample[];
}

/** What all kinds of load have in common. */
export function valuesOf(m: Measurement): Values {
  const { p50, p90, p99, p999, max } = m.latencyMicroseconds;
  return {
    requestsPerSecond: m.requestsPerSecond,
    p50,
    p90,
    p99,
    p999,
    max,
    serverMicroseconds: m.answered === 0 ? 0 : (m.serverCpu * m.elapsedSeconds * 1e6) / m.answered,
    generatorCpu: m.generatorCpu,
    ...(m.retransmissions === undefined ? {} : { retransmissions: m.retransmissions }),
  };
}

const references = Object.keys(contestants) as ContestantName[];

/** Of each figure by itself. */
export const mediansOf = (all: readonly Values[]): Values =>
  Object.fromEntries(
    metrics.flatMap((metric) => {
      const spread = spreadOf(all.flatMap(({ [metric]: value }) => value ?? []));
      return spread === undefined ? [] : [[metric, spread.median]];
    }),
  );

function byRound(samples: readonly Sample[], metric: Metric): Map<number, number> {
  return new Map(
    samples.flatMap(({ round, values: { [metric]: value } }) => (value === undefined ? [] : [[round, value] as const])),
  );
}

const sound = (samples: readonly Sample[]): Sample[] => samples.filter((sample) => !isVoid(sample));

/** More than half of the rounds must be left: the median of fewer may be that of what went wrong. */
function ratio(of: readonly Sample[], to: readonly Sample[], metric: Metric): Ratio | undefined {
  if (of.length === 0 || to.length === 0) return undefined;
  const left = ratiosByRound(byRound(sound(of), metric), byRound(sound(to), metric));
  const voidRounds = new Set([...of, ...to].filter(isVoid).map(({ round }) => round));
  return voidRounds.size > 0 && left.length <= voidRounds.size ? 'n/a' : spreadOf(left);
}

/** Of one scenario, in the order in which they were measured first. */
export function summarise(samples: readonly Sample[], { metric, name }: Comparison): Summary[] {
  const own = samples.filter((sample) => sample.scenario === name);
  const groups = Map.groupBy(own, ({ contestant, variant }) => `${contestant} ${variant}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { contestant, variant } = first;
    const to = (others: readonly Sample[]): Ratio | undefined => ratio(group, others, metric);
    const byProcessorTime = (others: readonly Sample[]): Ratio | undefined =>
      ratio(others, group, 'serverMicroseconds');
    const values: Partial<Record<Metric, Spread>> = {};
    for (const one of metrics) {
      const spread = spreadOf([...byRound(sound(group), one).values()]);
      if (spread !== undefined) values[one] = spread;
    }
    const ratios: Partial<Record<ContestantName, Ratio>> = {};
    const processorRatios: Partial<Record<ContestantName, Ratio>> = {};
    for (const reference of references) {
      if (reference === contestant) continue;
      const others = own.filter((other) => other.contestant === reference && other.variant === variant);
      const byRate = to(others);
      if (byRate !== undefined) ratios[reference] = byRate;
      const byTime = byProcessorTime(others);
      if (byTime !== undefined) processorRatios[reference] = byTime;
    }
    const firstVariant = own.find((other) => other.contestant === contestant)?.variant;
    const firsts = own.filter((other) => other.contestant === contestant && other.variant === firstVariant);
    const compared = firstVariant === variant ? [] : firsts;
    return [
      {
        scenario: name,
        contestant,
        variant,
        values,
        ratios,
        processorRatios,
        toFirst: to(compared),
        processorToFirst: byProcessorTime(compared),
        faults: faultsTogether(group),
      },
    ];
  });
}
