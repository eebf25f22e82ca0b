/** Bytes as tests write them: hexadecimal with spaces where a reader wants them. */
export const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Hexadecimal digits, written with spaces between fields. */
export const spaced = (text: string): string => text.replaceAll(' ', '');
