/** The page of several processes has the series of one, and what each had counted is never lost. */
import { expect, test } from 'vitest';
import { channels } from '../../src/core/channels.ts';
import { collectMetrics, type MetricsSnapshot } from '../../src/telemetry/metrics.ts';
import { SummedMetrics } from '../../src/telemetry/summed-metrics.ts';
import { answered } from './events.ts';

/** What a process counts that answers so many requests, each in so many milliseconds, and remembers so many peers. */
async function snapshot(requests: number, totalMs: number, peers: number): Promise<MetricsSnapshot> {
  const metrics = collectMetrics({
    sources: () => [
      { name: 'engine_peers', help: 'Peers.', kind: 'gauge', value: peers },
      { name: 'transport_sent_total', help: 'Sent.', kind: 'counter', value: requests },
    ],
  });
  for (let i = 0; i < requests; i++) channels.request.publish(answered({ totalMs }));
  const taken = await metrics.snapshot();
  metrics.close();
  // As it comes from another process.
  return structuredClone(taken);
}

async function scrape(sums: SummedMetrics): Promise<ReadonlyMap<string, number>> {
  const text = await sums.text([{ name: 'transport_sent_total', help: 'Sent.', kind: 'counter', value: 1000 }]);
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
  );
}

const requests = 'funcoap_requests_total{method="FETCH",code="2.05",target="oslist/list"}';

test('counters, gauges and each bucket of histograms are sums, those of no process with them', async () => {
  const sums = new SummedMetrics();
  sums.update(1, await snapshot(3, 0.4, 10));
  sums.update(2, await snapshot(2, 80, 5));
  const series = await scrape(sums);
  expect(series.get(requests)).toBe(5);
  expect(series.get('funcoap_engine_peers')).toBe(15);
  expect(series.get('funcoap_transport_sent_total')).toBe(1005);
  expect(series.get('funcoap_request_seconds_bucket{le="0.0005"}')).toBe(3);
  expect(series.get('funcoap_request_seconds_bucket{le="0.1"}')).toBe(5);
  expect(series.get('funcoap_request_seconds_count')).toBe(5);
  expect(series.get('funcoap_request_seconds_sum')).toBeCloseTo(0.1612);
});

test('a later count of a process replaces its earlier one', async () => {
  const sums = new SummedMetrics();
  sums.update(1, await snapshot(3, 1, 10));
  sums.update(1, await snapshot(4, 1, 9));
  const series = await scrape(sums);
  expect([series.get(requests), series.get('funcoap_engine_peers')]).toEqual([4, 9]);
});

test('no counter falls when processes end and begin again; gauges do', async () => {
  const sums = new SummedMetrics();
  sums.update(2, await snapshot(2, 1, 5));
  for (let life = 0; life < 3; life++) {
    sums.update(1, await snapshot(3, 1, 10));
    sums.end(1);
  }
  const series = await scrape(sums);
  expect(series.get(requests)).toBe(11);
  expect(series.get('funcoap_request_seconds_bucket{le="0.001"}')).toBe(11);
  expect(series.get('funcoap_engine_peers')).toBe(5);
});
