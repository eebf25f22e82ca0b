/**
 * One page of metrics over all processes: the same series as of a single process, summed, and a few of each
 * process by itself. Whoever scrapes makes every process count; one that does not answer in time is shown as
 * it was the last time.
 */
import type { Scheduler } from '../core/clock.ts';
import { milliseconds } from '../core/duration.ts';
import {
  lostLines,
  metricsContentType,
  type Metrics,
  type MetricSample,
  type MetricsSnapshot,
} from '../telemetry/metrics.ts';
import { SummedMetrics } from '../telemetry/summed-metrics.ts';
import type { GatewaySlot } from './gateway-slot.ts';

export interface ProcessMetricsParts {
  readonly scheduler: Scheduler;
  /** Lines of the log that the supervisor itself could not write. */
  readonly lostLines: () => number;
}

/** Far less than a scraper waits (10 s by default), far more than a process takes that is not stuck. No RFC's number. */
const countWithin = milliseconds(1000);

export class ProcessMetrics implements Pick<Metrics, 'contentType' | 'text'> {
  readonly contentType: string = metricsContentType;
  readonly #slots: readonly GatewaySlot[];
  readonly #parts: ProcessMetricsParts;
  readonly #sums = new SummedMetrics();
  readonly #requests = new Map<GatewaySlot, number>();
  /** Those that have not answered yet. */
  readonly #waiting = new Set<GatewaySlot>();
  #counting: { readonly done: Promise<void>; readonly finish: () => void } | undefined;

  constructor(slots: readonly GatewaySlot[], parts: ProcessMetricsParts) {
    this.#slots = slots;
    this.#parts = parts;
  }

  counted(slot: GatewaySlot, metrics: MetricsSnapshot): void {
    this.#sums.update(slot.number, metrics);
    this.#requests.set(slot, requestsIn(metrics));
    this.#answered(slot);
  }

  ended(slot: GatewaySlot): void {
    this.#sums.end(slot.number);
    this.#requests.delete(slot);
    this.#answered(slot);
  }

  async text(): Promise<string> {
    await this.#count();
    const own = lostLines(this.#parts.lostLines());
    return this.#sums.text([own, ...this.#slots.flatMap((slot) => this.#samplesOf(slot))]);
  }

  close(): void {
    this.#counting?.finish();
  }

  /** Scrapes at the same time share one answer of each process. */
  #count(): Promise<void> {
    if (this.#counting !== undefined) return this.#counting.done;
    for (const slot of this.#slots) {
      if (!slot.serving) continue;
      this.#waiting.add(slot);
      slot.tell({ kind: 'count' });
    }
    if (this.#waiting.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.scheduler.after(countWithin, () => finish());
    const finish = (): void => {
      cancel();
      this.#waiting.clear();
      this.#counting = undefined;
      resolve();
    };
    this.#counting = { done: promise, finish };
    return promise;
  }

  #answered(slot: GatewaySlot): void {
    if (this.#waiting.delete(slot) && this.#waiting.size === 0) this.#counting?.finish();
  }

  #samplesOf(slot: GatewaySlot): MetricSample[] {
    const labels = { process: String(slot.number) };
    return [
      {
        name: 'process_serving',
        help: 'Whether the gateway process serves.',
        kind: 'gauge',
        labels,
        value: slot.serving ? 1 : 0,
      },
      {
        name: 'process_starts_total',
        help: 'How often a gateway process was started.',
        kind: 'counter',
        labels,
        value: slot.starts,
      },
      {
        name: 'process_requests_total',
        help: 'Requests that the gateway process has answered since it was started.',
        kind: 'counter',
        labels,
        value: this.#requests.get(slot) ?? 0,
      },
      {
        name: 'process_memory_bytes',
        help: 'Resident memory of the gateway process.',
        kind: 'gauge',
        labels,
        value: slot.memoryBytes,
      },
    ];
  }
}

function requestsIn(metrics: MetricsSnapshot): number {
  const values = metrics.find(({ name }) => name === 'funcoap_requests_total')?.values ?? [];
  return values.reduce((sum, { value }) => sum + value, 0);
}
