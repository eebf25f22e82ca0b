/** Bytes as tests write them: hexadecimal with spaces where a reader wants them. */
export const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Hexadecimal digits, written with spaces between fields. */
export const spaced = (text: string): string => text.replaceAll(' ', '');

/** With `to` wherever `from` stands. */
export function replaced(bytes: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let at = 0; at + from.length <= changed.length; at++) {
    if (from.every((byte, i) => changed[at + i] === byte)) changed.set(to, at);
  }
  return changed;
}
