/** Byte strings: comparison, joining, text. Uint8Array everywhere; Buffer stays at the edges. */

export const emptyBytes: Uint8Array = new Uint8Array(0);

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The text of well-formed UTF-8, or undefined where the bytes are not. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const hexDigits = utf8('0123456789abcdef');
/** Arguments of a call; no RFC's number. */
const longestHexPart = 1024;

/** Lower-case hexadecimal, two digits a byte. Made in one piece: one that is joined takes ten times its length as long as it lives. */
export function hex(bytes: Uint8Array): string {
  if (bytes.length > longestHexPart) {
    return hex(bytes.subarray(0, longestHexPart)) + hex(bytes.subarray(longestHexPart));
  }
  const codes: number[] = [];
  for (const byte of bytes) codes.push(hexDigits[byte >> 4] ?? 0, hexDigits[byte & 15] ?? 0);
  return String.fromCharCode(...codes);
}

/** 32-bit hash of a whole array, not for security. */
export const hash32 = (bytes: Uint8Array): number => hashRange(bytes, 0, bytes.length, 0x811c9dc5, 0x9e3779b1) >>> 0;

/**
 * The hash of `bytes` from `from` up to `end`, as a signed 32-bit integer, going on from another hash. Four bytes a step:
 * what it costs is a request's fixed price. It is no message authentication code, but without the key nobody can tell
 * which arrays have one hash.
 *
 * @param key odd; secret where somebody else chooses the bytes
 */
export function hashRange(bytes: Uint8Array, from: number, end: number, start: number, key: number): number {
  let hash = Math.imul(start ^ (end - from), key);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    // Twice multiplied: once leaves the top bit of a word alone, and the next word could take it back.
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), key);
    hash ^= hash >>> 13;
  }
  for (; at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] ?? 0), key);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Whether `length` bytes of `a` from `at` are those of `b` from its start. */
export function equalRange(a: Uint8Array, at: number, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[at + i] !== b[i]) return false;
  return true;
}

/** An editor ends a file with a line end, which is no part of a key. */
export function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? -2 : -1) : bytes.length;
  return bytes.slice(0, end);
}
