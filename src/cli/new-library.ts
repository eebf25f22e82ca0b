/** `funcoap new library NAME`: a folder with a library that works at once. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Option } from 'commander';
import { UsageError } from '../core/error.ts';
import { libraryNamePattern } from '../functions/library-files.ts';
import { makeFolder, reasonOf } from '../store/make-folder.ts';
import { configOf } from './config-flags.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { exitCode } from './exit-code.ts';
import { libraryTemplate, type LibraryForm } from './library-template.ts';
import { ownCommand } from './own-command.ts';
import type { Terminal } from './terminal.ts';

interface NewLibraryOptions {
  readonly ts?: boolean;
  readonly js?: boolean;
  readonly zod?: boolean;
  readonly python?: boolean;
  readonly libraries: string;
  readonly json?: boolean;
}

/** Where a gateway started in this folder listens. */
async function gatewayBase(terminal: Terminal): Promise<string> {
  try {
    const { port } = (await configOf({}, { ...terminal, err: () => {} })).config.coap;
    return port === 5683 || port === 0 ? 'coap://127.0.0.1' : `coap://127.0.0.1:${port}`;
  } catch {
    // A wrong setting is told when the gateway is started.
    return 'coap://127.0.0.1';
  }
}

async function newLibrary(name: string, options: NewLibraryOptions, terminal: Terminal): Promise<void> {
  if (!libraryNamePattern.test(name)) {
    throw new UsageError(
      'bad-library-name',
      `${JSON.stringify(name)} cannot be the name of a library; use lower-case letters, digits, "-" and "_", beginning with a letter, at most 64 characters.`,
    );
  }
  const form: LibraryForm =
    options.js === true ? 'js' : options.zod === true ? 'zod' : options.python === true ? 'python' : 'ts';
  const folder = resolve(terminal.workingFolder, options.libraries, name);
  const shown = relative(terminal.workingFolder, folder) || folder;
  const cannotCreate = (reason: string, cause?: unknown): UsageError =>
    new UsageError('cannot-create', `The folder ${shown} cannot be made: ${reason}.`, { cause });
  if (existsSync(folder)) throw cannotCreate('it is there already; choose another name');
  const base = await gatewayBase(terminal);
  const files = libraryTemplate(name, form, base);
  // It appears whole: a running gateway would complain of a folder that has no index yet. A dot hides it until then.
  const draft = resolve(folder, '..', `.${name}.new`);
  try {
    makeFolder(draft);
    for (const file of files) writeFileSync(join(draft, file.name), file.text);
    renameSync(draft, folder);
  } catch (cause) {
    throw cannotCreate(reasonOf(cause), cause);
  }
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ library: name, files: files.map((file) => join(shown, file.name)) })}\n`);
    return;
  }
  terminal.out(
    [
      `${files.map((file) => join(shown, file.name)).join(' and ')} are written. A gateway that serves ${options.libraries} serves it already:`,
      `  ${ownCommand(terminal)} call ${base}/func/${name}/greet name=Ada`,
      '',
    ].join('\n'),
  );
}

export const addNew: AddCommand = (program, terminal, done) => {
  const command = program.command('new').summary('make a library').description('Makes something new.');
  command
    .command('library')
    .summary('make a library that works at once')
    .description('Writes a folder with a library that works at once: two functions and a README.')
    .argument('<name>', 'lower-case letters, digits, "-" and "_", beginning with a letter')
    .addOption(
      new Option('--ts', 'TypeScript, types read from the source (default)').conflicts(['js', 'zod', 'python']),
    )
    .addOption(new Option('--js', 'JavaScript, types read from JSDoc').conflicts(['ts', 'zod', 'python']))
    .addOption(
      new Option('--zod', 'TypeScript with Zod types that are checked on every call').conflicts(['ts', 'js', 'python']),
    )
    .addOption(new Option('--python', 'Python, run by python3').conflicts(['ts', 'js', 'zod']))
    .option('--libraries <folder>', 'where libraries are', 'libraries')
    .addOption(jsonOption())
    .addHelpText('after', examples('funcoap new library greetings', 'funcoap new library greetings --zod'))
    .action(async (name: string, options: NewLibraryOptions) => {
      await newLibrary(name, options, terminal);
      done(exitCode.ok);
    });
};
