/** The bars that funcoap is held to: which figure, and how high. The only place where they stand. */
import type { ContestantName } from './contestants.ts';
import { floodVariant } from './flood-variant.ts';
import { hotVariant, type Metric, type Ratio, type Summary } from './results.ts';

export interface Bar {
  readonly title: string;
  readonly scenario: string;
  readonly contestant: ContestantName;
  /** The last, where nothing is said. */
  readonly variant?: string;
  /** A ratio to another contestant, a ratio to the first variant (also by processor time alone), or a figure itself. */
  readonly figure:
    | { readonly to: ContestantName }
    | { readonly toFirst: 'rate' | 'processor time' }
    | { readonly metric: Metric };
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
    title: 'HTTP: cached call, × a route of fastify alone',
    scenario: 'http-hit',
    contestant: 'funcoap-http',
    figure: { to: 'fastify' },
    sense: 'at least',
    bar: 0.7,
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
    figure: { toFirst: 'rate' },
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
    figure: { toFirst: 'rate' },
    sense: 'at least',
    bar: 0.9,
  },
  {
    title: 'throughput with the most cache entries, all asked, × with the fewest',
    scenario: 'entries',
    contestant: 'funcoap',
    figure: { toFirst: 'rate' },
    sense: 'at least',
    bar: 0.9,
  },
  {
    title: 'coaps: cached FETCH with PSK and CCM_8, × coap-server-openssl at its best (few peers)',
    scenario: 'coaps-hit',
    contestant: 'funcoap-coaps',
    figure: { to: 'coap-server-openssl-few' },
    sense: 'at least',
    bar: 0.6,
  },
  {
    title: 'coaps: handshakes with PSK, × coap-server-openssl',
    scenario: 'coaps-psk',
    contestant: 'funcoap-coaps',
    figure: { to: 'coap-server-openssl' },
    sense: 'at least',
    bar: 0.25,
  },
  {
    title: 'coaps: handshakes with ECDHE-ECDSA, × coap-server-openssl',
    scenario: 'coaps-ecdsa',
    contestant: 'funcoap-coaps',
    figure: { to: 'coap-server-openssl' },
    sense: 'at least',
    bar: 0.5,
  },
  {
    title: 'coaps: records in a processor’s second with the most sessions, × with the fewest (1 / 1.25)',
    scenario: 'coaps-sessions',
    contestant: 'funcoap-coaps',
    figure: { toFirst: 'processor time' },
    sense: 'at least',
    bar: 0.8,
  },
  {
    title: 'coaps: throughput beside handshakes with cookies at ten times their limit, × without',
    scenario: 'coaps-flood',
    contestant: 'funcoap-coaps',
    variant: floodVariant.cookies,
    figure: { toFirst: 'rate' },
    sense: 'at least',
    bar: 0.8,
  },
  {
    title: 'coaps: throughput beside ClientHellos at a fifth of the limit, × without',
    scenario: 'coaps-flood',
    contestant: 'funcoap-coaps',
    figure: { toFirst: 'rate' },
    sense: 'at least',
    bar: 0.8,
  },
  {
    title: 'coaps: memory of a session',
    scenario: 'coaps-memory',
    contestant: 'funcoap-coaps',
    figure: { metric: 'bytesPerPeer' },
    sense: 'at most',
    bar: 12_000,
    unit: 'bytes',
  },
];

export interface Verdict {
  readonly bar: Bar;
  /** Of the variant that the bar is about. */
  readonly variant: string;
  readonly measured: Ratio | undefined;
  /** Of ratios of rates. */
  readonly byProcessorTime: Ratio | undefined;
  readonly verdict: 'met' | 'MISSED' | 'not measured';
}

/** The last variant, which is the largest, where none is named; where only a part is asked for is no answer to a question about all. */
function summaryOf({ scenario, contestant, variant: named }: Bar, summaries: readonly Summary[]): Summary | undefined {
  const own = summaries.filter((summary) => summary.scenario === scenario && summary.contestant === contestant);
  return own.findLast(({ variant }) => (named === undefined ? !variant.endsWith(hotVariant) : variant === named));
}

function figuresOf({ figure, sense }: Bar, summary: Summary): Pick<Verdict, 'measured' | 'byProcessorTime'> {
  if ('to' in figure)
    return { measured: summary.ratios[figure.to], byProcessorTime: summary.processorRatios[figure.to] };
  if ('metric' in figure) return { measured: summary.values[figure.metric], byProcessorTime: undefined };
  if (figure.toFirst === 'processor time')
    return { measured: summary.processorToFirst, byProcessorTime: summary.processorToFirst };
  // A ratio of latencies is wanted low, and processor time says nothing about it.
  const byProcessorTime = sense === 'at least' ? summary.processorToFirst : undefined;
  return { measured: summary.toFirst, byProcessorTime };
}

/** By the median. */
export function judge(bar: Bar, summaries: readonly Summary[]): Verdict {
  const summary = summaryOf(bar, summaries);
  const { measured, byProcessorTime } =
    summary === undefined ? { measured: undefined, byProcessorTime: undefined } : figuresOf(bar, summary);
  const of = { bar, variant: summary?.variant ?? '', measured, byProcessorTime };
  if (measured === undefined || measured === 'n/a') return { ...of, verdict: 'not measured' };
  const met = bar.sense === 'at least' ? measured.median >= bar.bar : measured.median <= bar.bar;
  return { ...of, verdict: met ? 'met' : 'MISSED' };
}

export const judgeAll = (summaries: readonly Summary[]): Verdict[] => bars.map((bar) => judge(bar, summaries));
