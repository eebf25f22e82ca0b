/**
 * Durations and sizes as people write them in settings: `1.5s`, `200ms`, `5m`, `4MiB`.
 * A bare number is seconds, or bytes. Both are branded as soon as they are read.
 */
import { milliseconds, type Milliseconds } from '../core/duration.ts';

/** A size in bytes. */
export type Bytes = number & { readonly unit: 'bytes' };

export const bytes = (n: number): Bytes => n as Bytes;
export const mebibytes = (n: number): Bytes => bytes(n * 1024 * 1024);

const durationUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Both families of prefixes, because both are in use and they differ by 5 % at a megabyte. */
const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1000],
  ['mb', 1000 ** 2],
  ['gb', 1000 ** 3],
  ['kib', 1024],
  ['mib', 1024 ** 2],
  ['gib', 1024 ** 3],
]);

const quantity = /^(\d+(?:\.\d+)?|\.\d+) ?([a-z]*)$/i;

function measure(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = quantity.exec(text.trim());
  const factor = units.get((match?.[2] ?? '').toLowerCase());
  if (match === null || factor === undefined) return undefined;
  return Number(match[1]) * factor;
}

/** Milliseconds of `1.5s`, `200ms`, `5m`, `2h`, `1d` or a number of seconds; undefined where it is none of them. */
export function parseDuration(written: string | number): Milliseconds | undefined {
  const ms = measure(String(written), durationUnits);
  // A millisecond is the finest that any timer here keeps.
  return ms === undefined || !Number.isFinite(ms) ? undefined : milliseconds(Math.round(ms));
}

/** Bytes of `4MiB`, `64kB`, `512` or a number; undefined where it is none of them, or not whole. */
export function parseBytes(written: string | number): Bytes | undefined {
  const n = measure(String(written), sizeUnits);
  return n === undefined || !Number.isSafeInteger(n) ? undefined : bytes(n);
}

/** The largest unit that says it exactly: `5m`, `1.5s`, `1234ms`. */
export function formatDuration(span: Milliseconds): string {
  if (span === 0) return '0s';
  if (span % 86_400_000 === 0) return `${span / 86_400_000}d`;
  if (span % 3_600_000 === 0) return `${span / 3_600_000}h`;
  if (span % 60_000 === 0) return `${span / 60_000}m`;
  return span < 1000 || span % 100 !== 0 ? `${span}ms` : `${span / 1000}s`;
}

/** `4MiB`, `512KiB`, `1000`: the largest binary unit that divides it. */
export function formatBytes(size: Bytes): string {
  if (size !== 0 && size % 1024 ** 3 === 0) return `${size / 1024 ** 3}GiB`;
  if (size !== 0 && size % 1024 ** 2 === 0) return `${size / 1024 ** 2}MiB`;
  if (size !== 0 && size % 1024 === 0) return `${size / 1024}KiB`;
  return String(size);
}
