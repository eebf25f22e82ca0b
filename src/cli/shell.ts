/** `funcoap shell URI`: calls line by line, typed by a person or piped from elsewhere. */
import type { Connection } from '../client/sdk/connection-controls.ts';
import { UsageError } from '../core/error.ts';
import type { ReadSource } from './call-arguments.ts';
import { connectionOptions, examples, type AddCommand } from './command.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { exitCodeOf, failureText } from './failure.ts';
import { tokenOption, withGateway, type GatewayConnectionOptions } from './gateway-connection.ts';
import type { LineInput } from './line-input.ts';
import { valueText } from './print-value.ts';
import { readSource } from './read-source.ts';
import { readHistory, writeHistory } from './shell-history.ts';
import { ShellSession } from './shell-session.ts';
import type { Terminal } from './terminal.ts';

async function shell(text: string, options: GatewayConnectionOptions, terminal: Terminal): Promise<ExitCode> {
  return await withGateway(terminal, text, options, async (gateway, uri) => {
    const session = new ShellSession(gateway, filesOnly(readSource(terminal)), terminal.outPaint);
    const isPerson = terminal.isInTerminal;
    const input = terminal.openLines({
      prompt: `${uri.replace(/^\w+:\/\//, '')}> `,
      history: isPerson ? await readHistory(terminal) : [],
      complete: async (line) => await session.complete(line),
    });
    try {
      if (isPerson) greet(gateway, terminal);
      return await runLines(session, input, terminal);
    } finally {
      input.close();
      if (isPerson) await writeHistory(terminal, input.history());
    }
  });
}

const filesOnly =
  (read: ReadSource): ReadSource =>
  async (name) => {
    if (name !== '-') return await read(name);
    throw new UsageError('bad-argument', 'The input is the lines of this shell; give a file, as in name=@file.');
  };

function greet(gateway: Connection, { err, errPaint }: Terminal): void {
  const names = Object.keys(gateway).join(', ');
  err(`${errPaint('dim', `Libraries: ${names === '' ? 'none' : names}. Tab completes, help says more.`)}\n`);
}

/** A person goes on after an error; a script ends with it, and with its exit code. */
async function runLines(session: ShellSession, input: LineInput, terminal: Terminal): Promise<ExitCode> {
  let call: AbortController | undefined;
  input.onInterrupt(() => {
    if (call === undefined) input.close();
    else call.abort();
  });
  input.prompt();
  for await (const line of input.lines) {
    call = new AbortController();
    try {
      const printed = await session.run(line, call.signal);
      if (printed === undefined) break;
      if (printed !== '') terminal.out(`${printed}\n`);
    } catch (error) {
      terminal.err(`${terminal.errPaint('red', 'funcoap:')} ${valueText(failureText(error))}\n`);
      if (!terminal.isInTerminal) return exitCodeOf(error);
    }
    call = undefined;
    input.prompt();
  }
  return exitCode.ok;
}

export const addShell: AddCommand = (program, terminal, done) => {
  connectionOptions(program.command('shell'))
    .summary('call functions line by line')
    .description(
      'Calls functions line by line: math/add 10 20, or by name, math/add a=10 b=20. A class makes an object, whose URI is ' +
        'printed; o/ID/METHOD 5, or the same below that URI, calls a method of it.\nArguments are checked against the signature ' +
        'before anything is sent; Tab completes names and parameters. `help` and `ls` say what there is. From a pipe it runs each line and ends at the first error.',
    )
    .argument('[uri]', 'coap://HOST, coaps://HOST or http://HOST:PORT', 'coap://127.0.0.1')
    .option(...tokenOption)
    .addHelpText('after', examples('funcoap shell', "echo 'math/add 10 20' | funcoap shell coap://127.0.0.1"))
    .action(async (uri: string, options: GatewayConnectionOptions) => {
      done(await shell(uri, options, terminal));
    });
};
