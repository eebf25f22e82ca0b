/**
 * Distinguished encoding of ASN.1 (X.690 §10), as far as certificates and revocation lists are read here: tag, length, value.
 *
 *     | tag 1 | length 1, or 1 + n where it is 128 or more | value |
 */

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly value: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

/** The elements that follow each other in `bytes`; undefined where they are not well-formed. */
export function derElements(bytes: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1];
    let start = at + 2;
    if (length === undefined) return undefined;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 3) return undefined;
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += octets;
    }
    const end = start + length;
    if (end > bytes.length) return undefined;
    elements.push({ tag, value: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return elements;
}

/** The content of the one sequence that `bytes` are. */
export function derSequence(bytes: Uint8Array): DerElement[] | undefined {
  const [element, ...more] = derElements(bytes) ?? [];
  return element?.tag === derTags.sequence && more.length === 0 ? derElements(element.value) : undefined;
}

/** An object identifier in dots. */
export function oidOf(value: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join('.');
}
