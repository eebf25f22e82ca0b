import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { channels } from '../../src/core/channels.ts';
import { openTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { answered } from './events.ts';

interface Given {
  readonly enabled?: boolean;
  readonly port?: number;
  readonly health?: () => readonly string[];
}

function open({ enabled = true, port = 0, health = () => [] }: Given): Promise<Telemetry> {
  return openTelemetry({
    log: { level: 'silent', format: 'json', fileDescriptor: 2, environment: {}, timeOfDay: Date.now, access: true },
    metrics: { enabled, listen: '127.0.0.1', port },
    sources: () => [{ name: 'peers', help: 'Peers.', kind: 'gauge', value: 4 }],
    health,
  });
}

async function opened(given: Given): Promise<{ telemetry: Telemetry; url: string }> {
  const telemetry = await open(given);
  onTestFinished(() => telemetry.close());
  return { telemetry, url: telemetry.metricsUrl ?? '' };
}

test('/metrics is Prometheus text with what was counted and what others keep', async () => {
  const { url } = await opened({});
  channels.request.publish(answered());
  const response = await fetch(url);
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toContain('funcoap_requests_total{method="FETCH",code="2.05",target="oslist/list"} 1');
  expect(text).toContain('funcoap_peers 4');
  expect(text).toContain('funcoap_log_lines_lost_total 0');
});

test('/healthz is 200 while all is well and 503 with the sentences otherwise', async () => {
  let problems: string[] = [];
  const { url } = await opened({ health: () => problems });
  const healthz = new URL('/healthz', url);
  const well = await fetch(healthz);
  expect([well.status, await well.text()]).toEqual([200, 'ok\n']);
  problems = ['The socket is gone.'];
  const ill = await fetch(healthz);
  expect([ill.status, await ill.text()]).toEqual([503, 'The socket is gone.\n']);
});

test('anything else is refused', async () => {
  const { url } = await opened({});
  expect((await fetch(new URL('/', url))).status).toBe(404);
  expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('off by default: no server, and nobody counts', async () => {
  const { telemetry } = await opened({ enabled: false });
  expect(telemetry.metricsUrl).toBeUndefined();
  expect(channels.request.hasSubscribers).toBe(false);
});

test('a port in use is one sentence that says what to do', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    taken.close();
  });
  const bound = taken.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  await expect(open({ port })).rejects.toThrow(
    `The metrics server cannot listen on 127.0.0.1:${port}: another program uses that port; choose one with metrics.port.`,
  );
  expect(channels.request.hasSubscribers).toBe(false);
});
