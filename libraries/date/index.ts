/** The time of day and the date, of the gateway's clock and time zone. */

/**
 * The time of day as `14:05:09`, or the date as `2026-11-21`.
 * @safe
 * @param what which of the two
 */
export function date(what: 'clock' | 'date'): string {
  const now = new Date();
  return what === 'clock'
    ? joined(':', now.getHours(), now.getMinutes(), now.getSeconds())
    : joined('-', now.getFullYear(), now.getMonth() + 1, now.getDate());
}

const joined = (separator: string, ...parts: readonly number[]): string =>
  parts.map((part) => String(part).padStart(2, '0')).join(separator);
