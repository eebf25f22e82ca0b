/** Logs and metrics of one process, as the configuration asks for them. */
import { logEvents } from './event-log.ts';
import type { Logger } from 'pino';
import { openLog, type LogOptions } from './log.ts';
import { collectMetrics, lostLines, type MetricSample } from './metrics.ts';
import { openMetricsServer } from './metrics-server.ts';

export interface TelemetryOptions {
  readonly log: LogOptions & { readonly access: boolean };
  readonly metrics: { readonly enabled: boolean; readonly listen: string; readonly port: number };
  /** Figures that others keep: read at each scrape. */
  readonly sources: () => readonly MetricSample[];
  /** What is wrong, one sentence each. */
  readonly health: () => readonly string[];
}

export interface Telemetry {
  readonly logger: Logger;
  /** Undefined where metrics are off. */
  readonly metricsUrl: string | undefined;
  /** Waits until what was logged before is written. */
  readonly flush: () => Promise<void>;
  close(): Promise<void>;
}

/** Throws a UsageError where the metrics server cannot listen. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const log = openLog(options.log);
  const events = logEvents(log, { access: options.log.access, shared: false });
  const closeLog = async (): Promise<void> => {
    events.close();
    await log.close();
  };
  if (!options.metrics.enabled) {
    return {
      logger: log.logger,
      metricsUrl: undefined,
      flush: log.flush,
      close: closeLog,
    };
  }
  const metrics = collectMetrics({ sources: () => [lostLines(log.lost()), ...options.sources()] });
  try {
    const server = await openMetricsServer({ ...options.metrics, metrics, health: options.health });
    return {
      logger: log.logger,
      metricsUrl: server.url,
      flush: log.flush,
      async close() {
        await server.close();
        metrics.close();
        await closeLog();
      },
    };
  } catch (error) {
    metrics.close();
    await closeLog();
    throw error;
  }
}
