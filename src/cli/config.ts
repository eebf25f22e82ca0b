/** `funcoap config`: every setting as it is in effect, and where its value came from. */
import { describeSource } from '../config/source.ts';
import { examples, jsonOption, type AddCommand } from './command.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { exitCode } from './exit-code.ts';
import { tableText } from './print-value.ts';

export const addConfig: AddCommand = (program, terminal, done) => {
  addConfigFlags(program.command('config'))
    .summary('show every setting and where it came from')
    .description(
      'Shows every setting as it is in effect, and where its value came from. docs/config.md says what they mean.',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('funcoap config', 'funcoap config --json --port 5684', 'FUNCOAP_CACHE_BYTES=1GiB funcoap config'),
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { entries } = await configOf(options, terminal);
      if (options['json'] === true) {
        const all = entries.map(({ path, value, source }) => ({ setting: path, value, from: describeSource(source) }));
        terminal.out(`${JSON.stringify(all, null, 2)}\n`);
      } else {
        const rows = entries.map(({ path, value, source }) => [
          path,
          describeSource(source),
          // Last: some are long.
          typeof value === 'string' ? value : JSON.stringify(value),
        ]);
        terminal.out(`${tableText(['setting', 'from', 'value'], rows, terminal.outPaint)}\n`);
      }
      done(exitCode.ok);
    });
};
