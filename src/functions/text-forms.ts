/**
 * Values that formats without a form of their own write as text: bytes as base64url (RFC 4648 §5),
 * dates as RFC 3339, integers of any size as decimals. Read here, written by the codecs.
 */

/** Digits of the largest integer that is read from text. */
const maxDigits = 1024;

/** Bytes of base64url, padded or not; undefined where the text is anything else. */
export function bytesFromBase64url(text: string): Uint8Array | undefined {
  const body = text.replace(/={0,2}$/, '');
  if (!/^[A-Za-z0-9_-]*$/.test(body) || body.length % 4 === 1) return undefined;
  if (body.length !== text.length && text.length % 4 !== 0) return undefined;
  const bytes = new Uint8Array((body.length * 3) >> 2);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < body.length; i++) {
    bits = ((bits << 6) | sextet(body.charCodeAt(i))) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at++] = (bits >> held) & 0xff;
    }
  }
  // RFC 4648 §3.5: bits that carry nothing are zero, so that equal bytes are equal text.
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

function sextet(code: number): number {
  if (code >= 97) return code - 71;
  if (code === 95) return 63;
  if (code >= 65) return code - 65;
  return code === 45 ? 62 : code + 4;
}

const dateTime = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** RFC 3339 §5.6 `date-time`; finer than a millisecond is cut off. */
export function dateFromText(text: string): Date | undefined {
  const match = text.length > 40 ? null : dateTime.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  const offset = match[8] === undefined ? 0 : (Number(match[9]) * 60 + Number(match[10])) * (match[8] === '-' ? -1 : 1);
  // RFC 3339 §5.7: 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60 || Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59)
    return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute - offset, second, Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000 + 1e-6));
  return date;
}

export function bigintFromText(text: string): bigint | undefined {
  return text.length <= maxDigits && /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
}

/** A number as JSON writes it, and as people do: `+1`, `.5`, `1.`. */
export function numberFromText(text: string): number | undefined {
  if (text.length > maxDigits || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
