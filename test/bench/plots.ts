/** What is plotted of a run. */
import { contestants } from './contestants.ts';
import { hotVariant, type Metric, type Summary } from './results.ts';
import { barPlot, linePlot, type Series } from './svg.ts';

export interface Plot {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

const percentiles: readonly (readonly [Metric, string])[] = [
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
];

function throughputPlot(scenario: string, title: string, summaries: readonly Summary[]): Plot[] {
  const bars = summaries.flatMap(({ scenario: name, contestant, variant, values: { requestsPerSecond } }) => {
    if (name !== scenario || requestsPerSecond === undefined) return [];
    const { median, lowest, highest } = requestsPerSecond;
    const label = variant === '' ? contestants[contestant].title : `${contestants[contestant].title}, ${variant}`;
    return [{ label, value: median, lowest, highest, own: contestant.startsWith('funcoap') }];
  });
  if (bars.length === 0) return [];
  bars.sort((a, b) => b.value - a.value);
  return [{ file: `throughput-${scenario}.svg`, title, svg: barPlot(title, bars) }];
}

function latencyPlot(scenario: string, title: string, summaries: readonly Summary[]): Plot[] {
  const series = summaries
    .filter((summary) => summary.scenario === scenario)
    .map(({ contestant, variant, values }): Series => ({
      label: variant === '' ? contestants[contestant].title.replace(/ \(.*\)$/, '') : `${contestant}, ${variant}`,
      values: percentiles.map(([metric]) => values[metric]?.median),
    }));
  if (series.length === 0) return [];
  const steps = percentiles.map(([, name]) => name);
  return [{ file: `${scenario}.svg`, title, svg: linePlot({ title, steps, series, logarithmic: true }) }];
}

/** Of funcoap alone, over the variants; those of which a part is asked are no point of the line. */
function scalePlot(scenario: string, title: string, summaries: readonly Summary[]): Plot[] {
  const own = summaries.filter(({ scenario: name, variant }) => name === scenario && !variant.endsWith(hotVariant));
  if (own.length === 0) return [];
  const steps = own.map(({ variant }) => variant);
  const series = [{ label: 'funcoap', values: own.map(({ values }) => values.requestsPerSecond?.median) }];
  return [{ file: `${scenario}.svg`, title, svg: linePlot({ title, steps, series, logarithmic: false }) }];
}

/** Those of which there are figures. */
export const plots = (summaries: readonly Summary[]): Plot[] => [
  ...throughputPlot('hit', 'Requests per second: FETCH, result in the cache', summaries),
  ...throughputPlot(
    'coaps-hit',
    'Requests per second over DTLS with PSK and CCM_8: FETCH, result in the cache',
    summaries,
  ),
  ...throughputPlot('inline-miss', 'Requests per second: FETCH, other arguments every time, inline', summaries),
  ...throughputPlot('blocks', 'Transfers per second: longer results, block by block', summaries),
  ...latencyPlot('latency', 'Latency at half of the highest rate, µs', summaries),
  ...latencyPlot('disturbed', 'Latency at half load beside an endless loop, µs', summaries),
  ...scalePlot('functions', 'Requests per second, by number of functions', summaries),
  ...scalePlot('entries', 'Requests per second, by number of cache entries', summaries),
];
