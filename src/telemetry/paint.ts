/** Colour for people: only on a terminal, never where NO_COLOR is set (https://no-color.org) or the terminal is dumb. */
import { styleText } from 'node:util';

export type Tint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Colours a text, or leaves it as it is. */
export type Paint = (tint: Tint, text: string) => string;

export const plain: Paint = (_tint, text) => text;

const coloured: Paint = (tint, text) => styleText(tint, text, { validateStream: false });

export function paintFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const unwanted = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return stream.isTTY === true && !unwanted ? coloured : plain;
}

/** `\u001b` for a character that would do something. */
export const escaped = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

/** Text from a peer or a library as it can be shown on a terminal: nothing in it moves the cursor or turns the writing direction. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);
