/** Sums up the rounds, as a table for people and as JSON. */
import { faultsOf, type Measurement } from './load.ts';
import type { Machine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { scenarios, type Scenario, type ServerName } from './scenarios.ts';
import { serverTitles } from './servers.ts';
import { ratiosByRound, spreadOf, type Spread } from './statistics.ts';

export interface Sample {
  readonly round: number;
  readonly server: ServerName;
  readonly scenario: string;
  readonly measurement: Measurement;
  /** Resident memory of the server, in bytes. */
  readonly memory: { readonly before: number; readonly after: number };
}

export interface Summary {
  readonly server: ServerName;
  readonly scenario: string;
  readonly requestsPerSecond: Spread;
  /** Of this server's rate to another's, in the same rounds. */
  /** Empty for the limit. */
  readonly ratios: Readonly<Partial<Record<ServerName, Spread>>>;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  readonly serverMicrosecondsPerRequest: number;
  readonly generatorCpu: number;
  readonly retransmissions: number;
  readonly faults: number;
}

export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Partial<Record<ServerName, string>>>;
  readonly options: BenchOptions;
  readonly summaries: readonly Summary[];
  readonly samples: readonly Sample[];
}

const rivals: readonly ServerName[] = ['limit', 'npm-coap', 'libcoap'];

const medianOf = (samples: readonly Sample[], value: (m: Measurement) => number): number =>
  spreadOf(samples.map((sample) => value(sample.measurement)))?.median ?? 0;

const total = (samples: readonly Sample[], value: (m: Measurement) => number): number =>
  samples.reduce((sum, sample) => sum + value(sample.measurement), 0);

function ratesByRound(samples: readonly Sample[], server: ServerName, scenario: string): Map<number, number> {
  return new Map(
    samples
      .filter((sample) => sample.server === server && sample.scenario === scenario)
      .map((sample) => [sample.round, sample.measurement.requestsPerSecond]),
  );
}

function summarise(all: readonly Sample[], scenario: Scenario, server: ServerName): Summary | undefined {
  const samples = all.filter((sample) => sample.server === server && sample.scenario === scenario.name);
  const requestsPerSecond = spreadOf(samples.map((sample) => sample.measurement.requestsPerSecond));
  if (requestsPerSecond === undefined) return undefined;
  const own = ratesByRound(all, server, scenario.name);
  const ratios: Partial<Record<ServerName, Spread>> = {};
  for (const reference of server === 'funcoap' ? rivals : server === 'limit' ? [] : (['limit'] as const)) {
    const ratio = spreadOf(ratiosByRound(own, ratesByRound(all, reference, scenario.name)));
    if (ratio !== undefined) ratios[reference] = ratio;
  }
  return {
    server,
    scenario: scenario.name,
    requestsPerSecond,
    ratios,
    p50Microseconds: medianOf(samples, (m) => m.latencyMicroseconds.p50),
    p99Microseconds: medianOf(samples, (m) => m.latencyMicroseconds.p99),
    serverMicrosecondsPerRequest: medianOf(samples, (m) =>
      m.answered === 0 ? 0 : (m.serverCpu * m.elapsedSeconds * 1e6) / m.answered,
    ),
    generatorCpu: medianOf(samples, (m) => m.generatorCpu),
    retransmissions: total(samples, (m) => m.retransmissions),
    faults: total(samples, faultsOf),
  };
}

export const summariseAll = (samples: readonly Sample[]): Summary[] =>
  scenarios.flatMap((scenario) => scenario.servers.flatMap((server) => summarise(samples, scenario, server) ?? []));

const thousands = (value: number): string => Math.round(value).toLocaleString('en');

const rateText = ({ median, lowest, highest }: Spread): string =>
  `${thousands(median)} (${thousands(lowest)}–${thousands(highest)})`;

const ratioText = (ratio: Spread | undefined): string =>
  ratio === undefined ? '' : `${ratio.median.toFixed(2)} (${ratio.lowest.toFixed(2)}–${ratio.highest.toFixed(2)})`;

const columns = [
  'server',
  'requests/s',
  'of the limit',
  '× npm coap',
  '× libcoap',
  'p50 µs',
  'p99 µs',
  'server µs/request',
  'faults',
];

function row(summary: Summary): string[] {
  return [
    serverTitles[summary.server],
    rateText(summary.requestsPerSecond),
    ratioText(summary.ratios.limit),
    ratioText(summary.ratios['npm-coap']),
    ratioText(summary.ratios.libcoap),
    thousands(summary.p50Microseconds),
    thousands(summary.p99Microseconds),
    summary.serverMicrosecondsPerRequest.toFixed(1),
    String(summary.faults),
  ];
}

/** Markdown that is also aligned for a terminal. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((cells) => (cells[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

/** One table for each scenario: medians, in parentheses the range over the rounds. */
export function tables(summaries: readonly Summary[]): string {
  return scenarios
    .map((scenario) => ({ scenario, rows: summaries.filter((s) => s.scenario === scenario.name) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ scenario, rows }) => `### ${scenario.title}\n\n${table(rows.map(row))}`)
    .join('\n\n');
}
