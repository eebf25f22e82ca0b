/**
 * A histogram of durations whose observation costs an addition: prom-client's own looks up labels by a string that it
 * makes each time, which is more than all the rest that is counted for a request.
 */
import {
  Histogram,
  type MetricObjectWithValues,
  type MetricValueWithName,
  type Registry,
  type RegistryContentType,
} from 'prom-client';

/** Seconds. */
const upperBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Label = 'target';

/** The durations under one set of labels. */
export class Durations {
  readonly labels: Partial<Record<Label, string>>;
  /** One for each bound, and one for what is longer. */
  readonly counts: Float64Array = new Float64Array(upperBounds.length + 1);
  sum = 0;
  count = 0;

  constructor(labels: Partial<Record<Label, string>>) {
    this.labels = labels;
  }

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    let bucket = 0;
    while (seconds > (upperBounds[bucket] ?? Infinity)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
    this.count++;
  }
}

export class DurationHistogram extends Histogram<Label> {
  readonly #metric: { readonly name: string; readonly help: string };
  readonly #series: Durations[] = [];

  constructor(registers: Registry<RegistryContentType>[], name: string, help: string, labelNames: Label[]) {
    super({ registers, name, help, labelNames, buckets: upperBounds });
    this.#metric = { name, help };
  }

  /** Where durations with these labels are counted; asked for once. */
  series(labels: Partial<Record<Label, string>>): Durations {
    const series = new Durations(labels);
    this.#series.push(series);
    return series;
  }

  override get(): Promise<MetricObjectWithValues<MetricValueWithName<Label>>> {
    // What was never observed is not shown: most functions of a gateway are never missed in its cache.
    const observed = this.#series.filter(({ count }) => count > 0);
    const values = observed.flatMap((series) => valuesOf(this.#metric.name, series));
    const metric = { ...this.#metric, type: 'histogram', values, aggregator: 'sum' };
    // Their enum of types is there for the compiler only: at run time the type is a text.
    return Promise.resolve(metric as unknown as MetricObjectWithValues<MetricValueWithName<Label>>);
  }

  /** What the text format is made from where a metric has it, which its type does not say. */
  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<Label>>> {
    return this.get();
  }
}

function valuesOf(name: string, { labels, counts, sum }: Durations): MetricValueWithName<Label>[] {
  let count = 0;
  const buckets = Array.from(counts, (n, at) => {
    count += n;
    const le = upperBounds[at] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
