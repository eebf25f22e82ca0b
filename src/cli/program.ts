/** The command line: the commands, their help, and how errors become sentences and exit codes. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addBatch } from './batch.ts';
import { addWatch } from './watch.ts';
import { addCa } from './ca.ts';
import { addCall } from './call.ts';
import { addConfig } from './config.ts';
import { addDescribe } from './describe.ts';
import { addDiscover } from './discover.ts';
import { addEnroll } from './enroll.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { exitCodeOf, failureText, failureValue } from './failure.ts';
import { addIdentities } from './identities.ts';
import { addJobs } from './jobs.ts';
import { addLs } from './ls.ts';
import { addNew } from './new-library.ts';
import { addPing } from './ping.ts';
import { addRelease } from './release.ts';
import { addServe } from './serve.ts';
import { addSet } from './set.ts';
import { addShell } from './shell.ts';
import { addTypes } from './types.ts';
import { addToken } from './token.ts';
import { valueText } from './print-value.ts';
import type { Terminal } from './terminal.ts';

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
};

/** Every command, in the order of the help. */
const commands = [
  addServe,
  addDiscover,
  addCall,
  addBatch,
  addWatch,
  addJobs,
  addSet,
  addRelease,
  addLs,
  addDescribe,
  addPing,
  addShell,
  addTypes,
  addEnroll,
  addIdentities,
  addToken,
  addCa,
  addConfig,
  addNew,
];

/** The program; `done` takes the exit code of the command that ran. */
export function createProgram(terminal: Terminal, done: (code: ExitCode) => void): Command {
  const program = new Command('funcoap')
    .description('Functions over CoAP: devices call an endpoint instead of importing a library.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 a fault of funcoap, 2 wrong usage or configuration, 3 no answer,\n4 the peer answered 4.xx, 5 the peer answered 5.xx, 130 interrupted.',
    );
  for (const add of commands) add(program, terminal, done);
  for (const command of everyCommand(program)) {
    command.exitOverride();
    command.configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
    command.showHelpAfterError(`(funcoap ${command === program ? '' : `${pathOf(command)} `}--help says more)`);
    command.helpOption('-h, --help', 'print help');
  }
  return program;
}

/** A command and all those below it. */
export const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

/** `new library` */
export const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/** Runs one command line and gives its exit code; it never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = exitCode.ok;
  const json = args.includes('--json');
  const program = createProgram(terminal, (ended) => {
    code = ended;
  });
  if (json) for (const command of everyCommand(program)) command.configureOutput({ writeErr: () => {} });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written its sentence, or the help that was asked for.
      if (error.exitCode === 0) return exitCode.ok;
      const [sentence = ''] = error.message.replace(/^error: /, '').split('\n');
      if (json) terminal.err(`${JSON.stringify({ error: 'bad-flag', message: sentence })}\n`);
      return exitCode.usage;
    }
    if (json) terminal.err(`${JSON.stringify(failureValue(error))}\n`);
    else terminal.err(`${terminal.errPaint('red', 'funcoap:')} ${valueText(failureText(error))}\n`);
    return exitCodeOf(error);
  }
}
