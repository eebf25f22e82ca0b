/** A command line run in this process, with what it wrote. */
import type { ExitCode } from '../../src/cli/exit-code.ts';
import { run } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { plain } from '../../src/telemetry/paint.ts';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

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
    readInput: () => Promise.resolve(new Uint8Array()),
    environment: {},
    workingFolder: '/',
    ...changes,
  };
  const code = await run(args, terminal);
  return { code, out, err };
}
