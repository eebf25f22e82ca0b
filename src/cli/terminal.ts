/** The world that a command lives in: where it writes, what it reads, when it is interrupted. */
import { isatty } from 'node:tty';
import { openLineInput, type LineInput, type LineInputOptions } from './line-input.ts';
import { paintFor, type Paint } from '../telemetry/paint.ts';

export interface Terminal {
  /** Writes to the output: what was asked for. */
  readonly out: (text: string | Uint8Array) => void;
  /** Writes to the error output: all the rest. */
  readonly err: (text: string) => void;
  readonly outPaint: Paint;
  readonly errPaint: Paint;
  /** A person looks at the output; at the error output. */
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  /** A person types the input. */
  readonly isInTerminal: boolean;
  readonly readInput: () => Promise<Uint8Array>;
  readonly openLines: (options: LineInputOptions) => LineInput;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}

/** Our paint, the line that says how far something is, and whatever else there is of the kind. */
const controls = /\u001b\[[\d;]*m|\r\u001b\[K|(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Names and texts come from gateways, and may not drive the terminal beyond colours; in JSON it is the same text. */
export const harmless = (text: string): string =>
  text.replace(controls, (found) =>
    found.length > 1 ? found : `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

export const systemTerminal: Terminal = {
  out: (text) => {
    process.stdout.write(typeof text === 'string' ? harmless(text) : text);
  },
  err: (text) => {
    process.stderr.write(harmless(text));
  },
  outPaint: paintFor(process.stdout, process.env),
  errPaint: paintFor(process.stderr, process.env),
  isOutTerminal: process.stdout.isTTY,
  isErrTerminal: process.stderr.isTTY,
  isInTerminal: isatty(0),
  openLines: (options) => openLineInput(process.stdin, process.stdout, options),
  readInput: async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return new Uint8Array(Buffer.concat(chunks));
  },
  environment: process.env,
  workingFolder: process.cwd(),
};
