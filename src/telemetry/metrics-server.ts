/** The opt-in HTTP server for `/metrics` (Prometheus) and `/healthz` (200 while serving, 503 otherwise). */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { UsageError } from '../core/error.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServerOptions {
  readonly listen: string;
  /** 0: the system chooses one. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>;
  /** What is wrong, one sentence each; empty while all is well. */
  readonly health: () => readonly string[];
}

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics` */
  readonly url: string;
  close(): Promise<void>;
}

/** Scrapers are few; whoever opens more connections than this waits. No RFC gives this number. */
const maxConnections = 32;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, health }: MetricsServerOptions,
): Promise<void> {
  const send = (status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const text = 'text/plain; charset=utf-8';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(405, text, 'Only GET and HEAD are offered here.\n');
    return;
  }
  switch (request.url?.split('?', 1)[0]) {
    case '/metrics':
      send(200, metrics.contentType, await metrics.text());
      return;
    case '/healthz': {
      const problems = health();
      send(problems.length === 0 ? 200 : 503, text, problems.length === 0 ? 'ok\n' : `${problems.join('\n')}\n`);
      return;
    }
    default:
      send(404, text, 'There is /metrics and /healthz.\n');
  }
}

const reasons: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'another program uses that port; choose one with metrics.port'],
  ['EADDRNOTAVAIL', 'this machine does not have that address; see metrics.listen'],
  ['EACCES', 'the port is reserved for the system; choose one from 1024 with metrics.port'],
]);

/** Throws a UsageError where the address cannot be had. */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.maxConnections = maxConnections;
  const host = isIPv6(options.listen) ? `[${options.listen}]` : options.listen;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new UsageError(
          'cannot-listen',
          `The metrics server cannot listen on ${host}:${options.port}: ${reasons.get(error.code) ?? error.message}.`,
          { cause: error },
        ),
      );
    });
    server.listen(options.port, options.listen, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;
  return {
    url: `http://${host}:${port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
