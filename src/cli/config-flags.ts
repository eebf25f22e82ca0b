/** The flags of `serve` and `config` that are settings. */
import { Option, type Command } from 'commander';
import type { Flag, LoadedConfig } from '../config/loader.ts';
import { UsageError } from '../core/error.ts';
import type { Terminal } from './terminal.ts';

interface ConfigFlag {
  readonly flag: string;
  readonly argument: string;
  readonly path: string;
  readonly help: string;
}

const configFlags: readonly ConfigFlag[] = [
  { flag: '--listen', argument: 'addresses', path: 'coap.listen', help: 'addresses to listen on, separated by commas' },
  { flag: '--port', argument: 'port', path: 'coap.port', help: 'UDP port' },
  {
    flag: '--processes',
    argument: 'n',
    path: 'processes',
    help: 'gateway processes that share the port; auto: one per processor',
  },
  { flag: '--libraries', argument: 'folder', path: 'libraries.folder', help: 'folder of libraries' },
  { flag: '--data', argument: 'folder', path: 'data.folder', help: 'folder of identities, keys and certificates' },
  { flag: '--log-level', argument: 'level', path: 'log.level', help: 'silent, error, warn, info, debug or trace' },
  { flag: '--log-format', argument: 'format', path: 'log.format', help: 'auto, json or pretty' },
];

const attributeOf = (flag: string): string =>
  flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

export function addConfigFlags(command: Command): Command {
  command.option('--config <file>', 'configuration file (default: funcoap.config.json, if it is there)');
  for (const { flag, argument, help } of configFlags) command.option(`${flag} <${argument}>`, help);
  return command
    .option('--metrics', 'serve Prometheus metrics')
    .addOption(
      new Option('--set <setting=value>', 'any setting of docs/config.md; may be repeated').argParser(
        (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
      ),
    );
}

/** Loads the configuration as the command line asks. Throws a ConfigError. */
export async function configOf(options: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/loader.ts');
  const flags: Flag[] = configFlags.flatMap(({ flag, path }) => {
    const text = options[attributeOf(flag)];
    return typeof text === 'string' ? [{ flag, path, text }] : [];
  });
  if (options['metrics'] === true) flags.push({ flag: '--metrics', path: 'metrics.enabled', text: 'true' });
  const sets = Array.isArray(options['set']) ? options['set'] : [];
  for (const set of sets.map(String)) {
    const at = set.indexOf('=');
    if (at < 1) throw new UsageError('bad-flag', `--set ${set} must be SETTING=VALUE, such as --set coap.port=5684.`);
    flags.push({ flag: '--set', path: set.slice(0, at), text: set.slice(at + 1) });
  }
  const { workingFolder, environment } = terminal;
  const file = options['config'];
  const loaded = loadConfig({ workingFolder, environment, flags, file: typeof file === 'string' ? file : undefined });
  for (const warning of loaded.warnings) terminal.err(`${terminal.errPaint('yellow', 'funcoap:')} ${warning}\n`);
  return loaded;
}
