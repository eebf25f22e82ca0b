import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { channels } from '../../src/core/channels.ts';
import { collectMetrics, type MetricSample, type Metrics } from '../../src/telemetry/metrics.ts';
import { answered } from './events.ts';

let metrics: Metrics;
let samples: MetricSample[];
beforeEach(() => {
  samples = [];
  metrics = collectMetrics({ sources: () => samples });
});
afterEach(() => {
  metrics.close();
});

/** The values of a scrape by series. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const text = await metrics.text();
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );
}

test('requests are counted by method, code and target', async () => {
  channels.request.publish(answered());
  channels.request.publish(answered());
  channels.request.publish(answered({ method: 'GET', code: '2.03', revalidated: true }));
  const series = await scrape();
  expect(series.get('funcoap_requests_total{method="FETCH",code="2.05",target="oslist/list"}')).toBe(2);
  expect(series.get('funcoap_requests_total{method="GET",code="2.03",target="oslist/list"}')).toBe(1);
  expect(series.get('funcoap_revalidations_total')).toBe(1);
  expect(series.get('funcoap_request_bytes_total')).toBe(117);
  expect(series.get('funcoap_response_bytes_total')).toBe(1236);
  expect(series.get('funcoap_cache_answers_total{state="hit"}')).toBe(3);
  expect(series.get('funcoap_request_seconds_count')).toBe(3);
});

describe('a peer cannot make up labels', () => {
  test('targets that answer 4.04 are one series', async () => {
    for (let i = 0; i < 5000; i++) {
      channels.request.publish(answered({ target: `guess/${i}`, code: '4.04' }));
    }
    const series = await scrape();
    expect(series.get('funcoap_requests_total{method="FETCH",code="4.04",target="other"}')).toBe(5000);
    expect(await metrics.text()).not.toContain('guess');
  });

  test('not even targets that exist are unlimited', async () => {
    for (let i = 0; i < 3000; i++) channels.request.publish(answered({ target: `job/${i}` }));
    const names = [...(await scrape()).keys()].filter((name) => name.startsWith('funcoap_requests_total'));
    expect(names.length).toBeLessThanOrEqual(1001);
    expect(names.at(-1)).toContain('other');
  });

  test('a known target keeps its series for its errors', async () => {
    channels.request.publish(answered());
    channels.request.publish(answered({ code: '4.00' }));
    expect((await scrape()).get('funcoap_requests_total{method="FETCH",code="4.00",target="oslist/list"}')).toBe(1);
  });
});

test('queue and run time are observed where a function ran, not on hits', async () => {
  channels.request.publish(answered());
  channels.request.publish(answered({ cache: 'miss', queuedMs: 2, ranMs: 40 }));
  const series = await scrape();
  expect(series.get('funcoap_function_run_seconds_count{target="oslist/list"}')).toBe(1);
  expect(series.get('funcoap_function_run_seconds_sum{target="oslist/list"}')).toBe(0.04);
  expect(series.get('funcoap_function_run_seconds_bucket{le="0.025",target="oslist/list"}')).toBe(0);
  expect(series.get('funcoap_function_run_seconds_bucket{le="0.05",target="oslist/list"}')).toBe(1);
  expect(series.get('funcoap_function_queue_seconds_sum{target="oslist/list"}')).toBe(0.002);
});

test('failures, libraries and transport notices are counted by kind', async () => {
  channels.functionFailed.publish({
    target: 'a/b',
    problem: 'time-limit',
    message: '',
    stack: undefined,
    correlationId: '',
  });
  channels.library.publish({ library: 'a', state: 'failed', functions: 0, message: 'x' });
  channels.transport.publish({ kind: 'dropped', message: '' });
  channels.transport.publish({ kind: 'dropped', message: '' });
  const series = await scrape();
  expect(series.get('funcoap_function_failures_total{problem="time-limit"}')).toBe(1);
  expect(series.get('funcoap_library_events_total{state="failed"}')).toBe(1);
  expect(series.get('funcoap_transport_notices_total{kind="dropped"}')).toBe(2);
});

test('jobs, streams and observed results are counted by what becomes of them', async () => {
  const event = { target: 'a/b', peer: 'p', identity: 'local', problem: undefined, correlationId: 'c' };
  for (const state of ['opened', 'started', 'ended', 'opened'] as const)
    channels.ongoing.publish({ ...event, kind: 'job', state });
  channels.ongoing.publish({ ...event, kind: 'watch', state: 'refused' });
  const series = await scrape();
  expect(series.get('funcoap_ongoing_total{kind="job",state="opened"}')).toBe(2);
  expect(series.get('funcoap_ongoing_total{kind="job",state="ended"}')).toBe(1);
  expect(series.get('funcoap_ongoing_total{kind="watch",state="refused"}')).toBe(1);
});

test('figures that others keep are read at each scrape', async () => {
  const retransmissions = { name: 'retransmissions_total', help: 'Messages sent again.', kind: 'counter' } as const;
  const peers = { name: 'peers', help: 'Peers remembered.', kind: 'gauge' } as const;
  samples = [
    { ...retransmissions, value: 3 },
    { ...peers, labels: { state: 'new' }, value: 7 },
    { ...peers, labels: { state: 'old' }, value: 1 },
  ];
  await scrape();
  samples = [
    { ...retransmissions, value: 5 },
    { ...peers, labels: { state: 'new' }, value: 2 },
  ];
  const series = await scrape();
  expect(series.get('funcoap_retransmissions_total')).toBe(5);
  expect(series.get('funcoap_peers{state="new"}')).toBe(2);
  expect(series.has('funcoap_peers{state="old"}')).toBe(false);
  expect(await metrics.text()).toContain('# TYPE funcoap_retransmissions_total counter');
});

test('two in one process do not share anything, and a closed one hears nothing', async () => {
  const other = collectMetrics({ sources: () => [] });
  other.close();
  channels.request.publish(answered());
  expect(await other.text()).not.toContain('oslist');
  expect((await scrape()).get('funcoap_request_seconds_count')).toBe(1);
  metrics.close();
  expect(channels.request.hasSubscribers).toBe(false);
});

test('a function that never had to run has no histogram', async () => {
  for (let i = 0; i < 3; i++) channels.request.publish(answered({ target: `hit/${i}`, cache: 'hit' }));
  channels.request.publish(answered({ target: 'ran/1', cache: 'miss', queuedMs: 1, ranMs: 2 }));
  const names = [...(await scrape()).keys()].filter((name) => name.startsWith('funcoap_function_run_seconds_count'));
  expect(names).toEqual(['funcoap_function_run_seconds_count{target="ran/1"}']);
});
