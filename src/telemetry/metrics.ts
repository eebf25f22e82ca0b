/**
 * Prometheus metrics. What is counted for each request is counted in plain maps and handed to
 * prom-client when somebody scrapes, because hashing labels on every request costs more than all
 * the rest. Labels never take a value that a peer chose freely: targets are those that answered
 * something other than 4.04, up to a limit, the others are `other`.
 */
import { Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { channels, type RequestAnswered } from '../core/channels.ts';
import { DurationHistogram, type Durations } from './duration-histogram.ts';
import { Few } from './few.ts';
import { subscribe, type Subscription } from './subscription.ts';

/** A figure that its owner keeps and that is read at each scrape. */
export interface MetricSample {
  /** Without the prefix `funcoap_`. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricsOptions {
  /** Counters of the engine, the cache, the workers, … */
  readonly sources: () => readonly MetricSample[];
}

/** One metric at one moment, as prom-client really gives it: its types have the kind as a number. */
export interface MetricFigures {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly aggregator: string;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly metricName?: string;
  }[];
}

/** All metrics at one moment, as data that can cross between processes. */
export type MetricsSnapshot = readonly MetricFigures[];

export interface Metrics extends Subscription {
  readonly contentType: string;
  /** The exposition in Prometheus' text format. */
  text(): Promise<string>;
  snapshot(): Promise<MetricsSnapshot>;
}

export const lostLines = (value: number): MetricSample => ({
  name: 'log_lines_lost_total',
  help: 'Log lines that a slow reader has cost.',
  kind: 'counter',
  value,
});

export const metricsContentType: string = new Registry<RegistryContentType>().contentType;

const maxTargets = 1000;
/** Where a code, though it is an error, does not prove that the target exists; over HTTP the same digits. */
const unproven: ReadonlySet<string> = new Set(
  ['4.00', '4.01', '4.02', '4.03', '4.04', '4.05', '4.08', '4.13', '4.15', '4.29', '5.03'].flatMap((code) => [
    code,
    code.replace('.', ''),
  ]),
);

/** Requests by method and code, and durations, of one target. */
interface TargetCounts {
  readonly byMethod: Few<Few<Count>>;
  readonly queued: Durations;
  readonly ran: Durations;
}

interface Count {
  n: number;
}

type Counts = Few<Count>;
const counts = (): Counts => new Few<Count>(() => ({ n: 0 }));

export function collectMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry<RegistryContentType>();
  const registers = [registry];

  const targets = new Map<string, TargetCounts>();
  const cacheStates = counts();
  const notices = counts();
  const libraryEvents = counts();
  const failures = counts();
  const ongoing = new Few(counts);
  const totals = { revalidated: 0, bytesIn: 0, bytesOut: 0 };

  const histogram = (name: string, help: string, ...labels: 'target'[]): DurationHistogram =>
    new DurationHistogram([registry], `funcoap_${name}`, help, labels);
  const queuedSeconds = histogram('function_queue_seconds', 'Time that calls waited for a thread.', 'target');
  const ranSeconds = histogram('function_run_seconds', 'Time that functions ran.', 'target');
  const total = histogram('request_seconds', 'Time from the arrival of a request to its answer.').series({});

  function countsOf(event: RequestAnswered): TargetCounts {
    const known = targets.get(event.target);
    if (known !== undefined) return known;
    const isOther = unproven.has(event.code) || targets.size >= maxTargets;
    const target = isOther ? 'other' : event.target;
    const made = targets.get(target) ?? {
      byMethod: new Few(counts),
      queued: queuedSeconds.series({ target }),
      ran: ranSeconds.series({ target }),
    };
    targets.set(target, made);
    return made;
  }

  const subscription = subscribe(channels, {
    request: (event) => {
      const target = countsOf(event);
      target.byMethod.at(event.method).at(event.code).n++;
      cacheStates.at(event.cache).n++;
      if (event.revalidated) totals.revalidated++;
      totals.bytesIn += event.bytesIn;
      totals.bytesOut += event.bytesOut;
      total.observe(event.totalMs);
      if (event.ranMs > 0) {
        target.queued.observe(event.queuedMs);
        target.ran.observe(event.ranMs);
      }
    },
    functionFailed: ({ problem }) => {
      failures.at(problem).n++;
    },
    ongoing: ({ kind, state }) => {
      ongoing.at(kind).at(state).n++;
    },
    library: ({ state }) => {
      libraryEvents.at(state).n++;
    },
    transport: ({ kind }) => {
      notices.at(kind).n++;
    },
  });

  /** A counter that takes its values from one of the maps above when it is scraped. */
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    fill: (add: (labels: Partial<Record<L, string>>, n: number) => void) => void,
  ): void => {
    // The registry keeps it.
    void new Counter<L>({
      registers,
      name: `funcoap_${name}`,
      help,
      labelNames,
      collect() {
        this.reset();
        fill((labels, n) => {
          this.inc(labels, n);
        });
      },
    });
  };
  const counterOf = (name: string, help: string, label: string, counts: Counts): void => {
    counter(name, help, [label], (add) => {
      for (const [value, { n }] of counts) add({ [label]: value }, n);
    });
  };

  counter('requests_total', 'Requests answered.', ['method', 'code', 'target'], (add) => {
    for (const [target, { byMethod }] of targets) {
      for (const [method, codes] of byMethod) {
        for (const [code, { n }] of codes) add({ method, code, target }, n);
      }
    }
  });
  counterOf('cache_answers_total', 'Answers by the part that the result cache took.', 'state', cacheStates);
  counterOf(
    'function_failures_total',
    'Calls that failed by the fault of the function, and threads that it ended.',
    'problem',
    failures,
  );
  counter(
    'ongoing_total',
    'Jobs, streams and observed results: opened, started, ended, refused.',
    ['kind', 'state'],
    (add) => {
      for (const [kind, states] of ongoing) for (const [state, { n }] of states) add({ kind, state }, n);
    },
  );
  counterOf('library_events_total', 'Libraries loaded, failed, removed.', 'state', libraryEvents);
  counterOf('transport_notices_total', 'Send failures, socket errors and datagrams dropped.', 'kind', notices);
  counter('revalidations_total', 'Requests answered 2.03: the peer had the representation.', [], (add) => {
    add({}, totals.revalidated);
  });
  counter('request_bytes_total', 'Bytes of requests received.', [], (add) => {
    add({}, totals.bytesIn);
  });
  counter('response_bytes_total', 'Bytes of answers sent.', [], (add) => {
    add({}, totals.bytesOut);
  });

  return {
    contentType: metricsContentType,
    async text() {
      const pulled = registryOf(options.sources());
      const [own, others] = await Promise.all([registry.metrics(), pulled.metrics()]);
      return `${own}\n${others}`;
    },
    async snapshot() {
      const pulled = registryOf(options.sources());
      return [...(await snapshotOf(registry)), ...(await snapshotOf(pulled))];
    },
    close() {
      subscription.close();
      registry.clear();
    },
  };
}

/** Samples as a registry of their own. */
export function registryOf(samples: readonly MetricSample[]): Registry<RegistryContentType> {
  const registry = new Registry<RegistryContentType>();
  const metrics = new Map<string, { add: (sample: MetricSample) => void }>();
  for (const sample of samples) {
    let metric = metrics.get(sample.name);
    if (metric === undefined) {
      const settings = {
        registers: [registry],
        name: `funcoap_${sample.name}`,
        help: sample.help,
        labelNames: Object.keys(sample.labels ?? {}),
      };
      const made = sample.kind === 'counter' ? new Counter(settings) : new Gauge(settings);
      metric = {
        add: ({ labels, value }) => {
          made.inc({ ...labels }, value);
        },
      };
      metrics.set(sample.name, metric);
    }
    metric.add(sample);
  }
  return registry;
}

export const snapshotOf = async (registry: Registry<RegistryContentType>): Promise<MetricsSnapshot> =>
  (await registry.getMetricsAsJSON()) as readonly object[] as MetricsSnapshot;
