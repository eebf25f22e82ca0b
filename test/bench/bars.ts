/** The bars that funcoap is held to: which figure, and how high. The only place where they stand. */
import type { ContestantName } from './contestants.ts';
import type { Metric, Summary } from './results.ts';
import type { Spread } from './statistics.ts';

export interface Bar {
  readonly title: string;
  readonly scenario: string;
  readonly contestant: ContestantName;
  /** Without it the last variant of the scenario, which is the largest. */
  readonly variant?: string;
  /** A ratio to another contestant, a ratio to the first variant, or a figure itself. */
  readonly figure: { readonly to: ContestantName } | { readonly toFirst: true } | { readonly metric: Metric };
  readonly sense: 'at least' | 'at most';
  readonly bar: number;
  readonly unit?: string;
}

export const bars: readonly Bar[] = [
  {
    title: 'cached FETCH, of the limit',
    scenario: 'hit',
    contestant: 'funcoap',
    figure: { to: 'limit' },
    sense: 'at least',
    bar: 0.75,
  },
  {
    title: 'cached FETCH, × libcoap at its best (few peers)',
    scenario: 'hit',
    contestant: 'funcoap',
    figure: { to: 'libcoap-few' },
    sense: 'at least',
    bar: 1.7,
  },
  {
    title: 'cached FETCH, 20,000 devices, of the limit',
    scenario: 'hit-20000',
    contestant: 'funcoap',
    figure: { to: 'limit' },
    sense: 'at least',
    bar: 0.6,
  },
  {
    title: 'inline miss, of the limit',
    scenario: 'inline-miss',
    contestant: 'funcoap',
    figure: { to: 'limit' },
    sense: 'at least',
    bar: 0.33,
  },
  {
    title: 'inline miss, × libcoap that neither validates nor caches (few peers)',
    scenario: 'inline-miss',
    contestant: 'funcoap',
    figure: { to: 'libcoap-plain' },
    sense: 'at least',
    bar: 0.75,
  },
  {
    title: 'worker miss, of the limit',
    scenario: 'worker-miss',
    contestant: 'funcoap',
    figure: { to: 'limit' },
    sense: 'at least',
    bar: 0.2,
  },
  {
    title: 'portable transport (dgram), cached FETCH, of the limit',
    scenario: 'hit',
    contestant: 'funcoap-dgram',
    figure: { to: 'limit' },
    sense: 'at least',
    bar: 0.35,
  },
  {
    title: 'p99 at half load',
    scenario: 'latency',
    contestant: 'funcoap',
    figure: { metric: 'p99' },
    sense: 'at most',
    bar: 1000,
    unit: 'µs',
  },
  {
    title: 'p99 at half load beside an endless loop, × without',
    scenario: 'disturbed',
    contestant: 'funcoap',
    figure: { toFirst: true },
    sense: 'at most',
    bar: 1.1,
  },
  {
    title: 'burst of 5,000 devices: requests lost at first',
    scenario: 'burst',
    contestant: 'funcoap',
    figure: { metric: 'lost' },
    sense: 'at most',
    bar: 0,
  },
  {
    title: 'memory of a peer, × what settings and metrics state (a quarter for the slack of the heap)',
    scenario: 'memory',
    contestant: 'funcoap',
    figure: { metric: 'toStated' },
    sense: 'at most',
    bar: 1.25,
  },
  {
    title: 'throughput with the most functions, × with the fewest',
    scenario: 'functions',
    contestant: 'funcoap',
    figure: { toFirst: true },
    sense: 'at least',
    bar: 0.9,
  },
  {
    title: 'throughput with the most cache entries, all asked, × with the fewest',
    scenario: 'entries',
    contestant: 'funcoap',
    variant: 'all',
    figure: { toFirst: true },
    sense: 'at least',
    bar: 0.9,
  },
];

export interface Verdict {
  readonly bar: Bar;
  /** Of the variant that the bar is about. */
  readonly variant: string;
  readonly measured: Spread | undefined;
  /** Of a ratio to another contestant. */
  readonly byProcessorTime: Spread | undefined;
  readonly verdict: 'met' | 'MISSED' | 'not measured';
}

function summaryOf({ scenario, contestant, variant }: Bar, summaries: readonly Summary[]): Summary | undefined {
  const own = summaries.filter((summary) => summary.scenario === scenario && summary.contestant === contestant);
  // Entries of which only a part is asked are no answer to a question about all.
  return own.findLast((summary) => variant === undefined || !summary.variant.includes('asked'));
}

/** By the median. */
export function judge(bar: Bar, summaries: readonly Summary[]): Verdict {
  const summary = summaryOf(bar, summaries);
  const { figure } = bar;
  const measured =
    summary === undefined
      ? undefined
      : 'to' in figure
        ? summary.ratios[figure.to]
        : 'metric' in figure
          ? summary.values[figure.metric]
          : summary.toFirst;
  const variant = summary?.variant ?? '';
  const byProcessorTime = 'to' in figure ? summary?.processorRatios[figure.to] : undefined;
  if (measured === undefined) return { bar, variant, measured, byProcessorTime, verdict: 'not measured' };
  const met = bar.sense === 'at least' ? measured.median >= bar.bar : measured.median <= bar.bar;
  return { bar, variant, measured, byProcessorTime, verdict: met ? 'met' : 'MISSED' };
}

export const judgeAll = (summaries: readonly Summary[]): Verdict[] => bars.map((bar) => judge(bar, summaries));
