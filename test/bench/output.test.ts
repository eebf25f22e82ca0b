import { describe, expect, test } from 'vitest';
import { parseOptions } from './options.ts';
import { selfTimes } from './profile.ts';
import { barText, durationText, watch } from './progress.ts';
import { barPlot, labelHeights, linePlot } from './svg.ts';

describe('the bar of a run', () => {
  test('tells what is left from what it took', () => {
    expect(barText({ done: 25, all: 100, elapsedSeconds: 30 })).toBe(
      `[${'█'.repeat(7)}${'░'.repeat(21)}] 25/100  1 min 30 s left`,
    );
    expect(barText({ done: 0, all: 100, elapsedSeconds: 0 })).toBe(`[${'░'.repeat(28)}] 0/100`);
    expect(durationText(59.2)).toBe('1 min 0 s');
  });

  const written = (isTTY: boolean): string => {
    let text = '';
    const watcher = watch({ isTTY, columns: 60, write: (part) => (text += part) }, () => 0);
    watcher.begin(1);
    watcher.scenario({ name: 'hit', title: 'Hit', metric: 'p99', measurements: () => 1, run: () => Promise.resolve() });
    watcher.measured({
      scenario: 'hit',
      contestant: 'funcoap',
      variant: '',
      round: 1,
      values: {},
      faults: { late: 2 },
    });
    watcher.end();
    return text;
  };

  test('moves on a terminal and stays within it', () => {
    const lines = written(true).split('\r\x1b[K');
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines.slice(0, -2)) if (!line.includes('FAULTS')) expect(line.length).toBeLessThan(60);
  });

  test('is a line for each scenario elsewhere', () => {
    expect(written(false)).not.toContain('\r');
    expect(written(false)).toMatch(/ hit: Hit\n/);
  });

  test.each([true, false])('is interrupted by faults', (isTTY) => {
    expect(written(isTTY)).toContain('FAULTS of funcoap in hit: 2 late\n');
  });
});

describe('a plot', () => {
  test('has a bar for each figure, as long as it is high', () => {
    const svg = barPlot('a < b', [
      { label: 'limit', value: 200, lowest: 190, highest: 210, own: false },
      { label: 'funcoap', value: 105, lowest: 105, highest: 105, own: true },
    ]);
    expect(svg).toContain('a &lt; b');
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths[1]).toBeCloseTo(((widths[0] ?? 0) * 105) / 200, 0);
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('draws powers of ten at even distances', () => {
    const svg = linePlot({
      title: 'latency',
      steps: ['p50', 'p99', 'p99.9'],
      series: [{ label: 'funcoap', values: [10, 100, 1000] }],
      logarithmic: true,
    });
    const [, points = ''] = /polyline points="([^"]+)"/.exec(svg) ?? [];
    const heights = points.split(' ').map((point) => Number(point.split(',')[1]));
    expect((heights[0] ?? 0) - (heights[1] ?? 0)).toBeCloseTo((heights[1] ?? 0) - (heights[2] ?? 0), 1);
    expect(heights[2]).toBeLessThan(heights[0] ?? 0);
  });

  test('leaves out what was not measured', () => {
    const series = [{ label: 'a', values: [1, undefined, 3] }];
    expect(linePlot({ title: '', steps: ['1', '2', '3'], series, logarithmic: false })).not.toContain('NaN');
    expect(linePlot({ title: '', steps: [], series: [], logarithmic: true })).not.toMatch(/NaN|Infinity/);
    expect(linePlot({ title: '', steps: ['a'], series, logarithmic: false })).toContain('>3</text>');
  });

  test('keeps names apart', () => {
    expect(labelHeights([100, 101, 50], 16)).toEqual([100, 116, 50]);
  });
});

describe('a profile', () => {
  const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });

  test('sums up the time of a function over all ways to it, without what was idle', () => {
    const times = selfTimes(
      {
        nodes: [
          { id: 1, callFrame: frame('(idle)') },
          { id: 2, callFrame: frame('decode', 'file:///a.ts', 4) },
          { id: 3, callFrame: frame('decode', 'file:///a.ts', 4) },
          { id: 4, callFrame: frame('encode', 'file:///a.ts', 9) },
        ],
        samples: [1, 2, 3, 4, 1],
        // The first says when the first sample was taken, the others how long the sample before lasted.
        timeDeltas: [5, 1000, 300, 300, 400],
      },
      1,
      60,
    );
    expect(times.functions).toEqual([{ name: 'decode', place: expect.stringMatching(/a\.ts:5$/), share: 0.6 }]);
    expect(times.busySeconds).toBeCloseTo(0.001, 6);
    expect(times.seconds).toBeCloseTo(0.002, 6);
  });
});

describe('the end of a profile', () => {
  test('is all that counts', () => {
    const profile = {
      nodes: [
        { id: 1, callFrame: { functionName: 'start', url: '', lineNumber: 0 } },
        { id: 2, callFrame: { functionName: 'serve', url: '', lineNumber: 0 } },
      ],
      samples: [1, 1, 2, 2, 2],
      timeDeltas: [0, 500_000, 500_000, 500_000, 500_000],
    };
    expect(selfTimes(profile, 5, 1).functions).toEqual([{ name: 'serve', place: '', share: 1 }]);
    expect(selfTimes(profile, 5, 60).functions[0]?.share).toBe(0.5);
  });
});

describe('options', () => {
  const parse = (...args: string[]) => parseOptions(args, ['hit', 'burst'], ['limit', 'funcoap']);

  test('a run of everything writes, a quick or a partial one does not', () => {
    expect(parse()?.writes).toBe(true);
    expect(parse('--quick')?.writes).toBe(false);
    expect(parse('--quick', '--write')?.writes).toBe(true);
    expect(parse('--only', 'hit,limit')).toMatchObject({ writes: false, only: ['hit', 'limit'] });
    expect(parse('--only', 'hit', '--write')).toMatchObject({ writes: true });
    expect(() => parse('--only', 'hit,limit', '--write')).toThrow('--only may name no contestants');
  });

  test('what is not known is told, with what there is', () => {
    expect(() => parse('--only', 'hti')).toThrow('there is no "hti". There are hit, burst, limit, funcoap.');
    expect(() => parse('--profile', 'limit')).toThrow('there is no "limit"');
    expect(() => parse('--seconds', '0')).toThrow('above 0');
  });

  test('help is no run', () => {
    expect(parse('--help')).toBeUndefined();
  });
});
