/** A command line run in this process, with what it wrote. */
import type { ExitCode } from '../../src/cli/exit-code.ts';
import { run } from '../../src/cli/program.ts';
import type { LineInput } from '../../src/cli/line-input.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { plain } from '../../src/telemetry/paint.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Lines that come from elsewhere. */
export const linesOf = (lines: readonly string[]): LineInput => ({
  lines: (async function* () {
    yield* lines;
  })(),
  prompt: () => {},
  onInterrupt: () => {},
  history: () => [],
  close: () => {},
});

export async function ran(args: readonly string[], changes: Partial<Terminal> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const terminal: Terminal = {
    out: (text) => {
      out += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    },
    err: (text) => {
      err += text;
    },
    outPaint: plain,
    errPaint: plain,
    isOutTerminal: false,
    isErrTerminal: false,
    isInTerminal: false,
    openLines: () => linesOf([]),
    readInput: () => Promise.resolve(new Uint8Array()),
    environment: {},
    workingFolder: '/',
    ...changes,
  };
  const code = await run(args, terminal);
  return { code, out, err };
}
