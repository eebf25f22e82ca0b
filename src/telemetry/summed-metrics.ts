/**
 * The figures of several processes as one: the series of a single process, each the sum over all.
 * What a process had counted when it ended stays in the sums, because to Prometheus a counter that falls
 * has begun again from nothing; its gauges go with it.
 */
import { AggregatorRegistry, type Registry, type RegistryContentType } from 'prom-client';
import { registryOf, snapshotOf, type MetricSample, type MetricsSnapshot } from './metrics.ts';

export class SummedMetrics {
  readonly #latest = new Map<number, MetricsSnapshot>();
  /** What has ended, summed each time: it does not grow with the number of restarts. */
  #ended: Promise<MetricsSnapshot> = Promise.resolve([]);

  /** What a process has counted until now. */
  update(process: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(process, snapshot);
  }

  /** A process is no more: what it counted last is kept. */
  end(process: number): void {
    const last = this.#latest.get(process);
    if (last === undefined) return;
    this.#latest.delete(process);
    const counted = last.filter(({ type }) => type !== 'gauge');
    this.#ended = this.#ended.then((ended) => snapshotOf(sum([ended, counted])));
  }

  /** In Prometheus' text format, with samples that are of no single process. */
  async text(samples: readonly MetricSample[]): Promise<string> {
    const own = await snapshotOf(registryOf(samples));
    return sum([...this.#latest.values(), await this.#ended, own]).metrics();
  }
}

const sum = (snapshots: readonly MetricsSnapshot[]): Registry<RegistryContentType> =>
  AggregatorRegistry.aggregate([...snapshots]);
