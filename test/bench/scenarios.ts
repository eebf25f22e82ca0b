/** What is measured. */
import { fetchSum, getSum, inlineSum, nonSum, oneOfMany, textOf, validSum, workerSum, type Call } from './calls.ts';
import type { ContestantName } from './contestants.ts';
import { burst } from './kinds/burst.ts';
import { flood } from './kinds/flood.ts';
import { disturbed, latency } from './kinds/latency.ts';
import type { Load } from './load.ts';
import { manyFunctions } from './many-functions.ts';
import { memory } from './kinds/memory.ts';
import { startUp } from './kinds/start-up.ts';
import { throughput } from './kinds/throughput.ts';
import { hotVariant } from './results.ts';
import type { Entry, Scenario, ThroughputScenario } from './scenario.ts';

const each =
  (names: readonly ContestantName[], call: Call, load: Partial<Load> = {}) =>
  (): readonly Entry[] =>
    names.map((contestant) => ({ contestant, call, load }));

const count = (n: number): string => n.toLocaleString('en');

const sizes = [
  { size: 64, block: 256, variant: '64 B' },
  { size: 256, block: 256, variant: '256 B' },
  { size: 1024, block: 256, variant: '1 KB in 256 B' },
  { size: 1024, block: 1024, variant: '1 KB' },
  { size: 4096, block: 256, variant: '4 KB in 256 B' },
  { size: 4096, block: 1024, variant: '4 KB in 1 KB' },
] as const;

const blocks = (): readonly Entry[] =>
  sizes.flatMap(({ size, block, variant }) =>
    (['funcoap', 'libcoap'] as const).map((contestant) => ({
      contestant,
      variant,
      server: 'all sizes',
      call: textOf(size),
      // Few peers for libcoap too: 64 transfers at a time need no more.
      load: { blockSize: block, endpoints: contestant === 'libcoap' ? 64 : 1024 },
    })),
  );

const functions: ThroughputScenario['entries'] = ({ programs }) =>
  [10, 1000, 10_000].map((n) => ({
    contestant: 'funcoap',
    variant: `${count(n)} functions`,
    call: oneOfMany,
    setting: manyFunctions(programs, n),
    load: { distinct: n },
    fill: n,
  }));

/** Of the largest cache also a hot set, as most caches see it. */
const hotSet = 100;

const entries: ThroughputScenario['entries'] = ({ options }) => {
  const numbers = options.quick ? [10, 1000, 20_000] : [10, 100_000, 1_000_000];
  const largest = numbers.at(-1) ?? 0;
  const of = (n: number, asked: number, variant: string): Entry => ({
    contestant: 'funcoap',
    variant,
    call: inlineSum,
    server: count(n),
    setting: { environment: { FUNCOAP_CACHE_ENTRIES: String(n + 1000), FUNCOAP_CACHE_BYTES: '4GiB' } },
    load: { distinct: asked },
    fill: n,
  });
  return [
    ...numbers.map((n) => of(n, n, `${count(n)} entries`)),
    of(largest, hotSet, `${count(largest)} entries, ${hotSet} ${hotVariant}`),
  ];
};

/** Sessions that are there; of the largest number also with a few that speak, as most devices sleep. */
const sessions: ThroughputScenario['entries'] = ({ options }) => {
  const [few, many] = options.quick ? [100, 10_000] : [1000, 100_000];
  const of = (all: number, asked: number, variant: string): Entry => ({
    contestant: 'funcoap-coaps',
    variant,
    call: fetchSum,
    server: count(all),
    setting: { environment: { FUNCOAP_LIMITS_PEERS: String(2 * all + 2000) } },
    load: { endpoints: asked },
  });
  return [
    of(few, few, `${count(few)} sessions`),
    of(many, many, `${count(many)} sessions`),
    of(many, few, `${count(many)} sessions, ${count(few)} ${hotVariant}`),
  ];
};

const securedServers = ['funcoap-coaps', 'coap-server-openssl'] as const;

const mixed: Partial<Load> = { distinct: 100, freshPercent: 10 };

export const scenarios: readonly (Scenario | ThroughputScenario)[] = [
  throughput({
    name: 'hit',
    title: 'FETCH, result in the cache: 64 in flight from 1,024 peers',
    entries: each(
      ['limit', 'echo', 'funcoap', 'funcoap-dgram', 'libcoap', 'libcoap-few', 'npm-coap', 'http', 'fastify'],
      fetchSum,
    ),
  }),
  throughput({
    name: 'http-hit',
    title: 'The same over HTTP: POST with JSON, result in the cache, 64 connections that are kept',
    entries: each(['funcoap-http', 'fastify', 'http'], fetchSum),
  }),
  throughput({
    name: 'hit-1000',
    title: 'FETCH, result in the cache: 1,000 devices, a request of each in flight',
    entries: each(['limit', 'echo', 'funcoap', 'funcoap-dgram', 'libcoap'], fetchSum, {
      inFlight: 1000,
      endpoints: 1000,
    }),
  }),
  throughput({
    name: 'hit-20000',
    title: 'FETCH, result in the cache: 20,000 devices in turn, 1,000 requests in flight',
    entries: each(['limit', 'echo', 'funcoap', 'libcoap'], fetchSum, { inFlight: 1000, endpoints: 20_000 }),
  }),
  throughput({
    name: 'get',
    title: 'GET, result in the cache',
    entries: each(['limit', 'funcoap', 'coap-server', 'coap-server-few', 'npm-coap'], getSum),
  }),
  throughput({
    name: 'valid',
    title: 'FETCH with the current ETag: 2.03',
    entries: each(['limit', 'funcoap', 'libcoap', 'libcoap-few', 'npm-coap'], validSum),
  }),
  throughput({
    name: 'non',
    title: 'FETCH as NON, result in the cache',
    entries: each(['limit', 'funcoap', 'libcoap', 'libcoap-few', 'npm-coap'], nonSum),
  }),
  throughput({
    name: 'inline-miss',
    title: 'FETCH, other arguments every time, function declared inline',
    entries: each(['limit', 'funcoap', 'libcoap', 'libcoap-plain', 'npm-coap'], inlineSum),
  }),
  throughput({
    name: 'worker-miss',
    title: 'FETCH, other arguments every time, function in a worker',
    entries: each(['limit', 'funcoap', 'funcoap-dgram'], workerSum),
  }),
  throughput({
    name: 'mixed',
    title: 'FETCH, 90 % of 100 known requests, 10 % with other arguments, function in a worker',
    entries: () =>
      each(['limit', 'funcoap', 'libcoap', 'libcoap-few', 'npm-coap'], workerSum, mixed)().map((entry) => ({
        ...entry,
        ...(entry.contestant === 'funcoap' ? { fill: 100 } : {}),
      })),
  }),
  throughput({
    name: 'blocks',
    title: 'FETCH, longer results in the cache, block by block to their end',
    entries: blocks,
  }),
  throughput({
    name: 'functions',
    title: 'FETCH, spread over all functions, results in the cache',
    entries: functions,
  }),
  throughput({ name: 'entries', title: 'FETCH, spread over all entries of the cache', entries }),
  throughput({
    name: 'processes',
    title: 'FETCH, result in the cache, several processes (on two processors they share one with the load)',
    entries: each(['funcoap', 'funcoap-2'], fetchSum),
  }),
  latency({
    name: 'latency',
    title: 'Latency at half of the highest rate, FETCH, result in the cache',
    call: fetchSum,
    contestants: ['limit', 'echo', 'funcoap', 'funcoap-dgram', 'libcoap-few', 'npm-coap'],
  }),
  disturbed({
    name: 'disturbed',
    title: 'The same while a library function loops for ever, on the same processor',
    call: fetchSum,
    contestants: ['funcoap', 'funcoap-dgram'],
  }),
  burst({
    name: 'burst',
    title: '5,000 devices at once, one request each',
    call: fetchSum,
    contestants: ['limit', 'funcoap', 'funcoap-dgram', 'libcoap'],
    devices: 5000,
  }),
  memory({
    name: 'memory',
    title: 'Memory of 10,000 peers that have asked once',
    call: fetchSum,
    contestants: ['funcoap', 'libcoap', 'npm-coap'],
    peers: 10_000,
  }),
  throughput({
    name: 'coaps-hit',
    title: 'The same over DTLS with PSK and CCM_8: 64 in flight over 256 sessions',
    entries: each(
      ['funcoap-coaps', 'libcoap-openssl', 'libcoap-openssl-few', 'coap-server-openssl', 'coap-server-openssl-few'],
      fetchSum,
      { endpoints: 256 },
    ),
  }),
  throughput({
    name: 'coaps-psk',
    title: 'DTLS handshakes with PSK, 32 at a time',
    entries: each(securedServers, fetchSum, { handshakes: 'psk', inFlight: 32, endpoints: 50_000 }),
  }),
  throughput({
    name: 'coaps-ecdsa',
    title: 'DTLS handshakes with ECDHE-ECDSA and certificates at both ends, 32 at a time',
    entries: each(securedServers, fetchSum, { handshakes: 'certificates', inFlight: 32, endpoints: 50_000 }),
  }),
  throughput({
    name: 'coaps-sessions',
    title: 'FETCH over DTLS, result in the cache, all sessions in turn',
    entries: sessions,
  }),
  memory({
    name: 'coaps-memory',
    title: 'Memory of 10,000 DTLS sessions that have asked once, beside 5,000 that were there',
    call: fetchSum,
    contestants: securedServers,
    peers: 10_000,
    before: 5000,
  }),
  flood({
    name: 'coaps-flood',
    title: 'The same over 1,000 DTLS sessions, beside floods of ClientHellos',
    call: fetchSum,
    contestants: ['funcoap-coaps'],
    sessions: 1000,
  }),
  startUp({
    name: 'start-up',
    title: 'From the start of the process to the first answer',
    call: fetchSum,
    contestants: ['funcoap', 'libcoap', 'npm-coap', 'fastify'],
  }),
];
