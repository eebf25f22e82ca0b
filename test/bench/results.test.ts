import { describe, expect, test } from 'vitest';
import { bars, judge } from './bars.ts';
import { merge } from './merge.ts';
import { ownFaults, voidTexts } from './faults.ts';
import { pageBody } from './page.ts';
import { mediansOf, summarise, type Results, type Sample, type Values } from './results.ts';
import { ratiosByRound, spreadOf } from './statistics.ts';
import { barTable, scenarioTable } from './table.ts';

const sample = (
  contestant: Sample['contestant'],
  round: number,
  values: Values,
  more: Partial<Sample> = {},
): Sample => ({
  scenario: 'hit',
  contestant,
  variant: '',
  round,
  values,
  faults: {},
  ...more,
});

const hit = { name: 'hit', title: 'Hit', metric: 'requestsPerSecond' } as const;

const resultsOf = (date: string, samples: readonly Sample[], notes: readonly string[] = []): Results => ({
  date,
  machine: { processor: '', processors: 2, system: '', node: '', receiveBufferLimit: 0, otherLoad: 0.25 },
  versions: {},
  options: {
    micro: false,
    profile: undefined,
    quick: false,
    rounds: 5,
    seconds: 1,
    warmUpSeconds: 0.1,
    only: [],
    writes: true,
  },
  notes,
  failures: [],
  samples,
  summaries: [hit, { ...hit, name: 'valid' }].flatMap((comparison) => summarise(samples, comparison)),
});

describe('medians and ratios', () => {
  test('the middle of an odd number of rounds and the mean of the two middles of an even one', () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, lowest: 10, highest: 30 });
    expect(spreadOf([40, 10, 20, 30])).toEqual({ median: 25, lowest: 10, highest: 40 });
    expect(spreadOf([])).toBeUndefined();
  });

  test('of slices of one measurement, each figure by itself', () => {
    const slices = [{ p99: 900, p50: 20 }, { p99: 49_000, p50: 30 }, { p99: 1000, p50: 10 }, { max: 5 }];
    expect(mediansOf(slices)).toEqual({ p99: 1000, p50: 20, max: 5 });
  });

  test('only what was measured in the same round is divided', () => {
    const of = new Map([
      [1, 10],
      [2, 30],
      [3, 5],
    ]);
    const to = new Map([
      [1, 20],
      [2, 20],
      [4, 1],
    ]);
    expect(ratiosByRound(of, to)).toEqual([0.5, 1.5]);
  });
});

describe('a summary', () => {
  test('compares with others by round, not by median', () => {
    const [, funcoap] = summarise(
      [
        sample('limit', 1, { requestsPerSecond: 100 }),
        sample('funcoap', 1, { requestsPerSecond: 50 }),
        sample('limit', 2, { requestsPerSecond: 10 }),
        sample('funcoap', 2, { requestsPerSecond: 8 }),
      ],
      hit,
    );
    expect(funcoap?.ratios.limit).toEqual({ median: 0.65, lowest: 0.5, highest: 0.8 });
    expect(funcoap?.processorRatios).toEqual({});
    expect(funcoap?.values.requestsPerSecond).toEqual({ median: 29, lowest: 8, highest: 50 });
  });

  test('is twice as fast by processor time where a request takes half of it', () => {
    const [funcoap] = summarise(
      [sample('funcoap', 1, { serverMicroseconds: 5 }), sample('libcoap', 1, { serverMicroseconds: 10 })],
      hit,
    );
    expect(funcoap?.processorRatios.libcoap).toMatchObject({ median: 2 });
  });

  test('compares a variant with the first one and with others of its own kind only', () => {
    const [ten, many] = summarise(
      [
        sample('funcoap', 1, { requestsPerSecond: 100 }, { variant: '10' }),
        sample('funcoap', 1, { requestsPerSecond: 90 }, { variant: '1,000' }),
        sample('libcoap', 1, { requestsPerSecond: 45 }, { variant: '1,000' }),
      ],
      hit,
    );
    expect(ten?.toFirst).toBeUndefined();
    expect(ten?.ratios).toEqual({});
    expect(many?.toFirst).toMatchObject({ median: 0.9 });
    expect(many?.ratios.libcoap).toMatchObject({ median: 2 });
  });

  test('adds up the faults of all rounds', () => {
    const summaries = summarise(
      [
        sample('funcoap', 1, {}, { faults: { wrongCode: 2 } }),
        sample('funcoap', 2, {}, { faults: { wrongCode: 1, unanswered: 4 } }),
      ],
      hit,
    );
    expect(summaries[0]?.faults).toEqual({ wrongCode: 3, unanswered: 4 });
    expect(ownFaults(summaries)).toBe(7);
  });

  test('takes no other scenario in', () => {
    expect(summarise([sample('funcoap', 1, {}, { scenario: 'get' })], hit)).toEqual([]);
  });
});

describe('a measurement of another server that had faults', () => {
  const handshakes = { ...hit, name: 'coaps-ecdsa' };
  const of = (contestant: Sample['contestant'], round: number, requestsPerSecond: number, unanswered = 0): Sample =>
    sample(
      contestant,
      round,
      { requestsPerSecond, serverMicroseconds: 1e6 / Math.max(requestsPerSecond, 1) },
      { scenario: handshakes.name, faults: { unanswered } },
    );
  const rounds = (others: readonly (readonly [rate: number, unanswered: number])[]): Sample[] =>
    others.flatMap(([rate, unanswered], i) => [
      of('coap-server-openssl', i + 1, rate, unanswered),
      of('funcoap-coaps', i + 1, 100),
    ]);
  const onlyOneLost = rounds([
    [50, 0],
    [400, 32],
    [40, 0],
    [100, 0],
  ]);
  const halfLost = rounds([
    [50, 0],
    [400, 32],
    [0, 32],
    [100, 0],
  ]);
  const bar = bars.find(({ scenario }) => scenario === handshakes.name);

  test('is in no median and no ratio', () => {
    const [other, own] = summarise(onlyOneLost, handshakes);
    expect(other?.values.requestsPerSecond).toEqual({ median: 50, lowest: 40, highest: 100 });
    expect(own?.values.requestsPerSecond?.median).toBe(100);
    expect(own?.ratios['coap-server-openssl']).toEqual({ median: 2, lowest: 1, highest: 2.5 });
    expect(own?.processorRatios['coap-server-openssl']).toMatchObject({ lowest: 1, highest: 2.5 });
    expect(bar && judge(bar, summarise(onlyOneLost, handshakes)).verdict).toBe('met');
  });

  test('leaves no ratio where half of the rounds are such, and the bar is not judged', () => {
    const summaries = summarise(halfLost, handshakes);
    expect(summaries[1]?.ratios['coap-server-openssl']).toBe('n/a');
    expect(summaries[1]?.processorRatios['coap-server-openssl']).toBe('n/a');
    const verdict = bar && judge(bar, summaries);
    expect(verdict).toMatchObject({ measured: 'n/a', verdict: 'not measured' });
    expect(barTable(verdict === undefined ? [] : [verdict])).toMatch(/\| +n\/a \| +n\/a \| not measured \|$/);
    expect(scenarioTable(handshakes, summaries)).toMatch(/\| funcoap, coaps .*\| +n\/a \|/);
  });

  test('is no fault of the run, which one of funcoap or its transport is', () => {
    expect(ownFaults(halfLost)).toBe(0);
    expect(ownFaults([...halfLost, of('funcoap-coaps', 5, 100, 3), of('echo', 5, 100, 4)])).toBe(7);
  });

  test('is named, with what was wrong', () => {
    expect(voidTexts(halfLost)).toEqual([
      'coaps-ecdsa: 2 of 4 measurements of coap-server-openssl had faults (64 unanswered) and are left out.',
    ]);
    expect(voidTexts([of('funcoap-coaps', 1, 100, 3), of('limit', 1, 100)])).toEqual([]);
    expect(pageBody(resultsOf('2026-01-01', onlyOneLost, ['other work']), [])).toContain(
      '- other work\n- coaps-ecdsa: 1 of 4 measurements of coap-server-openssl had faults (32 unanswered)',
    );
  });

  test('is void in a variant alone', () => {
    const variants = ['64 B', '1 KB'].flatMap((variant) =>
      [1, 2].map((round) => ({ ...of('libcoap', round, variant === '64 B' ? 100 : 50), variant })),
    );
    const [lost, ...others] = variants;
    if (lost === undefined) throw new Error('there are four');
    const summaries = summarise([{ ...lost, faults: { wrongPayload: 1 } }, ...others], handshakes);
    expect(summaries.map(({ toFirst }) => toFirst)).toEqual([undefined, 'n/a']);
    expect(summaries.map(({ values }) => values.requestsPerSecond?.median)).toEqual([100, 50]);
  });
});

describe('a bar', () => {
  const ofTheLimit = bars.find(({ scenario, figure }) => scenario === 'hit' && 'to' in figure && figure.to === 'limit');
  const summariesWith = (rate: number): ReturnType<typeof summarise> =>
    summarise([sample('limit', 1, { requestsPerSecond: 100 }), sample('funcoap', 1, { requestsPerSecond: rate })], hit);

  test.each([
    [75, 'met'],
    [74, 'MISSED'],
  ])('of 0.75 with %i of 100 is %s', (rate, verdict) => {
    expect(ofTheLimit && judge(ofTheLimit, summariesWith(rate)).verdict).toBe(verdict);
  });

  test('without figures is not measured, and never met', () => {
    for (const bar of bars) expect(judge(bar, []).verdict).toBe('not measured');
  });

  test('on a latency is met by the lower figure', () => {
    const bar = bars.find(({ scenario }) => scenario === 'latency');
    const of = (p99: number): string | undefined =>
      bar &&
      judge(bar, summarise([sample('funcoap', 1, { p99 }, { scenario: 'latency' })], { ...hit, name: 'latency' }))
        .verdict;
    expect(of(999)).toBe('met');
    expect(of(1001)).toBe('MISSED');
  });

  test('on all entries of the cache does not look at a run that asks for a part', () => {
    const bar = bars.find(({ scenario }) => scenario === 'entries');
    const of = (variant: string, requestsPerSecond: number): Sample =>
      sample('funcoap', 1, { requestsPerSecond }, { scenario: 'entries', variant });
    const summaries = summarise(
      [of('10 entries', 100), of('1,000 entries', 50), of('1,000 entries, 100 of them asked', 100)],
      { ...hit, name: 'entries' },
    );
    expect(bar && judge(bar, summaries)).toMatchObject({ verdict: 'MISSED', variant: '1,000 entries' });
  });

  test('that is missed says so in the table', () => {
    const verdicts = bars.map((bar) => judge(bar, summariesWith(10)));
    expect(barTable(verdicts)).toMatch(/cached FETCH, of the limit +\| +at least 0\.75 \| +0\.10 \| +\| +MISSED \|/);
  });
});

describe('a table', () => {
  test('is aligned, and has the columns that its rows have', () => {
    const text = scenarioTable(
      hit,
      summarise(
        [sample('limit', 1, { requestsPerSecond: 1000 }), sample('funcoap', 1, { requestsPerSecond: 500 })],
        hit,
      ),
    );
    const lines = text?.split('\n') ?? [];
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
    expect(lines[0]).toMatch(/^\| server +\| requests\/s \| of the limit \|$/);
    expect(lines[3]).toMatch(/^\| funcoap +\| +500 \| +0\.50 \|$/);
  });

  test('names faults', () => {
    const summaries = summarise(
      [sample('funcoap', 1, { requestsPerSecond: 1 }, { faults: { wrongPayload: 1200 } })],
      hit,
    );
    expect(scenarioTable(hit, summaries)).toContain('1,200 wrongPayload');
  });

  test('of a scenario that was not run is none', () => {
    expect(scenarioTable(hit, [])).toBeUndefined();
  });
});

test('scenarios that are measured again take the place of their former figures, and of no others', () => {
  const of = (scenario: string, requestsPerSecond: number): Sample =>
    sample('funcoap', 1, { requestsPerSecond }, { scenario });
  const kept = resultsOf('2026-01-01', [of('hit', 1), of('valid', 2)], ['all of it']);
  const once = merge(kept, resultsOf('2026-02-01', [of('hit', 3)], ['noisy']), ['hit', 'valid']);
  const twice = merge(once, resultsOf('2026-03-01', [of('hit', 4)]), ['hit', 'valid']);
  expect(once.samples).toEqual([of('hit', 3), of('valid', 2)]);
  expect(once.notes).toEqual([
    'all of it',
    'hit: measured apart, on 2026-02-01, 5 rounds of 1 s, load before it 0.3.',
    'hit: noisy',
  ]);
  expect(twice.summaries.map(({ values }) => values.requestsPerSecond?.median)).toEqual([4, 2]);
  expect(twice.notes).toEqual([
    'all of it',
    'hit: measured apart, on 2026-03-01, 5 rounds of 1 s, load before it 0.3.',
  ]);
});
