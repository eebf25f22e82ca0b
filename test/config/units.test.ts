import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, formatBytes, formatDuration, parseBytes, parseDuration } from '../../src/config/units.ts';
import { milliseconds } from '../../src/core/duration.ts';

describe('durations', () => {
  test.each([
    ['1.5s', 1500],
    ['200ms', 200],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['30', 30_000],
    [0.25, 250],
    ['.5s', 500],
    [' 10 s ', 10_000],
    [0, 0],
  ])('%s is %d ms', (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
  });

  test.each(['', 's', '5 parsecs', '-1s', '1s2', '1e9999', Number.NaN, -1])('%s is none', (written) => {
    expect(parseDuration(written)).toBeUndefined();
  });

  test('what is written out reads back the same', () => {
    fc.assert(
      fc.property(fc.nat(), (ms) => {
        expect(parseDuration(formatDuration(milliseconds(ms)))).toBe(ms);
      }),
    );
  });
});

describe('sizes', () => {
  test.each([
    ['4MiB', 4_194_304],
    ['64KiB', 65_536],
    ['64kB', 64_000],
    ['1GiB', 1_073_741_824],
    ['0.5KiB', 512],
    ['512B', 512],
    [1024, 1024],
    ['1 mib', 1_048_576],
  ])('%s is %d bytes', (written, size) => {
    expect(parseBytes(written)).toBe(size);
  });

  test.each(['', 'MiB', '4 TiB', '-1', '0.3B', 1.5])('%s is none', (written) => {
    expect(parseBytes(written)).toBeUndefined();
  });

  test('what is written out reads back the same', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        expect(parseBytes(formatBytes(bytes(size)))).toBe(size);
      }),
    );
  });
});
