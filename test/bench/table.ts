/** Figures as Markdown tables that are also aligned for a terminal. */
import type { Verdict } from './bars.ts';
import { contestants, type ContestantName } from './contestants.ts';
import { faultsText } from './faults.ts';
import type { Comparison, Metric, Ratio, Summary } from './results.ts';
import type { Spread } from './statistics.ts';

const thousands = (value: number): string => Math.round(value).toLocaleString('en');
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const ratio = (value: number): string => value.toFixed(2);

/** The median, and the range where there is one. */
function withRange(spread: Ratio | undefined, text: (value: number) => string): string {
  if (spread === undefined) return '';
  if (spread === 'n/a') return spread;
  const { median, lowest, highest } = spread;
  const [from, middle, to] = [text(lowest), text(median), text(highest)];
  return from === to ? middle : `${middle} (${from}–${to})`;
}

const medianOnly =
  (text: (value: number) => string) =>
  (spread: Spread | undefined): string =>
    spread === undefined ? '' : text(spread.median);

const withThousands = (spread: Spread | undefined): string => withRange(spread, thousands);

/** In this order; a column is there where a row has it. */
const columns: readonly (readonly [Metric, string, (spread: Spread | undefined) => string])[] = [
  ['requestsPerSecond', 'requests/s', withThousands],
  ['p50', 'p50 µs', medianOnly(thousands)],
  ['p90', 'p90 µs', medianOnly(thousands)],
  ['p99', 'p99 µs', withThousands],
  ['p999', 'p99.9 µs', medianOnly(thousands)],
  ['max', 'highest µs', medianOnly(thousands)],
  ['serverMicroseconds', 'server µs/request', medianOnly((value) => value.toFixed(1))],
  ['generatorCpu', 'load busy', medianOnly((value) => `${(value * 100).toFixed(0)} %`)],
  ['startUpMs', 'ms', withThousands],
  ['answeredFirst', 'answered at once', withThousands],
  ['lost', 'lost at first', withThousands],
  ['residentBefore', 'resident before', medianOnly(megabytes)],
  ['residentAfter', 'after', medianOnly(megabytes)],
  ['bytesPerPeer', 'bytes a peer', withThousands],
  ['statedBytesPerPeer', 'stated', medianOnly(thousands)],
  ['toStated', '× stated', medianOnly(ratio)],
];

/** Throughput and bursts say enough with less. */
const shown = (metric: Metric, compared: Metric): boolean =>
  compared === 'p99' || compared === 'lost' || (metric !== 'p90' && metric !== 'p999' && metric !== 'max');

/** An open loop looks at the clock all the time: how busy it is says nothing. */
const tells = (metric: Metric, compared: Metric): boolean =>
  metric !== 'generatorCpu' || compared === 'requestsPerSecond';

/** Whom all are measured by, and whom funcoap is. */
const references: readonly (readonly [ContestantName, string])[] = [
  ['limit', 'of the limit'],
  ['libcoap-few', '× libcoap at its best'],
  ['libcoap-plain', '× libcoap, no ETag'],
  ['coap-server-few', '× coap-server'],
  ['libcoap-openssl-few', '× libcoap, OpenSSL, at its best'],
  ['coap-server-openssl-few', '× coap-server-openssl at its best'],
  ['coap-server-openssl', '× coap-server-openssl'],
  ['libcoap', '× libcoap'],
  ['npm-coap', '× npm coap'],
];

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((column, i) => Math.max(column.length, ...rows.map((cells) => (cells[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

const isOwn = (name: ContestantName): boolean => name.startsWith('funcoap');

/** Medians, in parentheses the range over the rounds. */
export function scenarioTable({ name, metric }: Comparison, all: readonly Summary[]): string | undefined {
  const own = all.filter(({ scenario }) => scenario === name);
  if (own.length === 0) return undefined;
  const figures = columns.filter(
    ([column]) =>
      shown(column, metric) && tells(column, metric) && own.some(({ values }) => values[column] !== undefined),
  );
  // Other ratios than of rates say nothing beside the figures.
  const compares = metric === 'requestsPerSecond';
  const to = references.filter(([name]) => compares && own.some(({ ratios }) => ratios[name] !== undefined));
  const toFirst = own.some((summary) => summary.toFirst !== undefined);
  const faulty = own.some(({ faults }) => faultsText(faults) !== '');
  const several = new Set(own.map(({ variant }) => variant)).size > 1;
  const head = [
    'server',
    ...(several ? [''] : []),
    ...figures.map(([, title]) => title),
    ...to.map(([, title]) => title),
    ...(toFirst ? ['× the first'] : []),
    ...(faulty ? ['FAULTS'] : []),
  ];
  const rows = own.map((summary) => [
    contestants[summary.contestant].title,
    ...(several ? [summary.variant] : []),
    ...figures.map(([column, , text]) => text(summary.values[column])),
    ...to.map(([reference]) =>
      reference === 'limit' || isOwn(summary.contestant) ? withRange(summary.ratios[reference], ratio) : '',
    ),
    ...(toFirst ? [withRange(summary.toFirst, ratio)] : []),
    ...(faulty ? [faultsText(summary.faults)] : []),
  ]);
  return table(head, rows);
}

export const scenarioTables = (comparisons: readonly Comparison[], summaries: readonly Summary[]): string =>
  comparisons
    .flatMap((comparison) => {
      const text = scenarioTable(comparison, summaries);
      return text === undefined ? [] : [`### ${comparison.title}\n\n${text}`];
    })
    .join('\n\n');

export function barTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ bar, variant, measured, byProcessorTime, verdict }) => {
    const text = (value: number): string => (Number.isInteger(bar.bar) ? thousands(value) : ratio(value));
    const unit = bar.unit === undefined ? '' : ` ${bar.unit}`;
    return [
      variant === '' ? bar.title : `${bar.title} (${variant})`,
      `${bar.sense} ${text(bar.bar)}${unit}`,
      withRange(measured, text) + (measured === undefined || measured === 'n/a' ? '' : unit),
      withRange(byProcessorTime, ratio),
      verdict,
    ];
  });
  return table(['bar', 'wanted', 'measured', 'by processor time', ''], rows);
}
