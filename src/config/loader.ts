/**
 * Loads the configuration: defaults < funcoap.config.json < FUNCOAP_… variables < flags, merged
 * setting by setting, checked once as a whole, frozen, with the source of every value.
 * A list is one value: a later source replaces it, it does not add to it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { ConfigError, issueSentences, meantSetting, valueAt } from './config-error.ts';
import { nearestName } from '../functions/names.ts';
import { processCount } from './process-count.ts';
import { parseDocument, settings, type Setting } from './schema.ts';
import { describeSource, type Source } from './source.ts';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

const configFileName = 'funcoap.config.json';

/** A setting given on the command line: `--port 5683`, or `--set coap.port=5683`. */
export interface Flag {
  readonly flag: string;
  readonly path: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly Flag[];
  /** From `--config`: must exist. Undefined: `FUNCOAP_CONFIG`, else funcoap.config.json if it is there. */
  readonly file: string | undefined;
}

/** A setting as it is in effect. */
export interface Entry {
  readonly path: string;
  readonly variable: string;
  readonly doc: string;
  /** As a person would write it: `"1.5s"`, `"4MiB"`, numbers, lists. */
  readonly value: unknown;
  readonly source: Source;
}

export interface LoadedConfig {
  readonly config: Config;
  /** In the order of docs/config.md. */
  readonly entries: readonly Entry[];
  /** The file that was read; undefined where there was none. */
  readonly file: string | undefined;
  /** Things that look like mistakes and stop nothing. One sentence each. */
  readonly warnings: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

interface Layer {
  readonly tree: unknown;
  readonly source: (path: string) => Source;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Object.fromEntries defines properties and so cannot be tricked by a key `__proto__`. */
function merge(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isTree(below) || !isTree(above)) return above;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(valueAt(below, [key]), valueAt(above, [key]))]));
}

const treeOf = (path: string, value: unknown): unknown =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);

const packageFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** The libraries that come with funcoap. */
export const shippedLibraries: string = resolve(packageFolder, 'libraries');

/** `processes` as it is written in whichever source is in effect: it is checked later, with all the rest. */
function computedDefaults(
  workingFolder: string,
  file: string | undefined,
  processes: unknown,
): ReadonlyMap<string, unknown> {
  const own = resolve(workingFolder, 'libraries');
  const shares = typeof processes === 'number' || processes === 'auto' ? Math.max(1, processCount(processes)) : 1;
  const share = availableParallelism() / shares;
  return new Map<string, unknown>([
    // The same for every command that is given the same configuration, wherever it is started.
    ['data.folder', resolve(file === undefined ? workingFolder : dirname(file), 'data')],
    ['mdns.name', `funcoap on ${hostname().split('.')[0]}`.slice(0, 64)],
    ['libraries.folder', existsSync(own) ? own : shippedLibraries],
    ['workers.threads', Math.max(2, Math.ceil(share))],
    ['jobs.running', Math.max(1, Math.floor(share / 2))],
    ['workers.total', Math.max(8, Math.ceil(4 * share))],
  ]);
}

function defaultLayer(workingFolder: string, file: string | undefined, processes: unknown): Layer {
  const computed = computedDefaults(workingFolder, file, processes);
  const tree = settings.reduce<unknown>(
    (all, { path, default: value }) => merge(all, treeOf(path, value ?? computed.get(path))),
    {},
  );
  return { tree, source: () => ({ kind: 'default' }) };
}

/** Ways to write a boolean where there is only text. */
const written: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** A value from a variable or flag, in the form a file would have it; unreadable text stays for the schema to refuse. */
function fromText(setting: Setting, text: string): unknown {
  const trimmed = text.trim();
  switch (setting.kind) {
    case 'integer':
    case 'number':
      return trimmed === '' || !Number.isFinite(Number(trimmed)) ? text : Number(trimmed);
    case 'boolean':
      return written.get(trimmed.toLowerCase()) ?? text;
    case 'list':
      return trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim());
    case 'objects':
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    case 'text':
    case 'duration':
    case 'size':
    case 'folder':
      return trimmed;
  }
}

function fileLayer(file: string, isAsked: boolean): Layer | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (missing && !isAsked) return undefined;
    const reason = missing ? 'there is no such file' : cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`The configuration ${file} cannot be read: ${reason}.`], { cause });
  }
  let tree: unknown;
  try {
    tree = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`The configuration ${file} is not JSON: ${reason}.`], { cause });
  }
  if (!isTree(tree)) {
    throw new ConfigError([`The configuration ${file} must be one JSON object, such as {"coap":{"port":5684}}.`]);
  }
  return { tree, source: () => ({ kind: 'file', file }) };
}

function environmentLayer(environment: LoadOptions['environment']): Layer {
  const tree = settings.reduce<unknown>((all, setting) => {
    const text = environment[setting.variable];
    return text === undefined ? all : merge(all, treeOf(setting.path, fromText(setting, text)));
  }, {});
  const variables = new Map(settings.map((setting) => [setting.path, setting.variable]));
  return {
    tree,
    source: (path) => ({ kind: 'environment', variable: variables.get(path) ?? '' }),
  };
}

/**
 * A variable of ours that is no setting is most likely a slip, but may not stop the gateway: an
 * orchestrator sets FUNCOAP_SERVICE_HOST and its like for a service that is called funcoap.
 */
function environmentWarnings(environment: LoadOptions['environment']): string[] {
  const prefix = 'FUNCOAP_';
  const ours = ['FUNCOAP_CONFIG', ...settings.map((setting) => setting.variable)].map((name) =>
    name.slice(prefix.length),
  );
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !ours.includes(name.slice(prefix.length)))
    .flatMap((name) => {
      // Without the prefix, which they all share and which would make everything look alike.
      const meant = nearestName(name.slice(prefix.length), ours);
      return meant === undefined
        ? []
        : [`The environment variable ${name} is not a setting; did you mean ${prefix}${meant}?`];
    });
}

function flagLayer(flags: readonly Flag[]): Layer {
  const bySettings = new Map(settings.map((setting) => [setting.path, setting]));
  const given = new Map<string, string>();
  const tree = flags.reduce<unknown>((all, { flag, path, text }) => {
    const setting = bySettings.get(path);
    if (setting === undefined) {
      const meant = meantSetting(path);
      throw new ConfigError([
        `${path} in ${flag} is not a setting; ${meant === undefined ? '`funcoap config` lists the settings.' : `did you mean ${meant}?`}`,
      ]);
    }
    given.set(path, flag);
    return merge(all, treeOf(path, fromText(setting, text)));
  }, {});
  return { tree, source: (path) => ({ kind: 'flag', flag: given.get(path) ?? '' }) };
}

/** The highest layer that says anything at a path. */
function sourceOf(layers: readonly Layer[], path: readonly PropertyKey[]): Source {
  for (let length = path.length; length > 0; length--) {
    const part = path.slice(0, length);
    const layer = layers.findLast(({ tree }) => valueAt(tree, part) !== undefined);
    if (layer === undefined) continue;
    const joined = part.join('.');
    const setting = settings.find(({ path: known }) => `${joined}.`.startsWith(`${known}.`));
    return layer.source(setting?.path ?? joined);
  }
  return { kind: 'default' };
}

/** Paths are relative to the file they stand in, otherwise to the working folder. */
function resolvePaths(config: Config, layers: readonly Layer[], workingFolder: string): Config {
  const absolute = (section: 'libraries' | 'data'): string => {
    const source = sourceOf(layers, [section, 'folder']);
    return resolve(source.kind === 'file' ? dirname(source.file) : workingFolder, config[section].folder);
  };
  return { ...config, libraries: { folder: absolute('libraries') }, data: { folder: absolute('data') } };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}

/** The value in effect as a person would write it, whatever way it was written. */
function shown(setting: Setting, config: Config, document: unknown): unknown {
  const path = setting.path.split('.');
  const value = valueAt(document, path);
  if (setting.kind === 'folder') return valueAt(config, path);
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const span = setting.kind === 'duration' ? parseDuration(value) : undefined;
  const size = setting.kind === 'size' ? parseBytes(value) : undefined;
  if (span !== undefined) return formatDuration(span);
  return size === undefined ? value : formatBytes(size);
}

/** Throws a ConfigError with one sentence for each thing that is wrong. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { workingFolder, environment } = options;
  const asked = options.file ?? environment['FUNCOAP_CONFIG'];
  const file = resolve(workingFolder, asked ?? configFileName);
  const fromFile = fileLayer(file, asked !== undefined);
  const given: Layer[] = [
    ...(fromFile === undefined ? [] : [fromFile]),
    environmentLayer(environment),
    flagLayer(options.flags),
  ];
  const processes = given.findLast(({ tree }) => valueAt(tree, ['processes']) !== undefined);
  const layers: Layer[] = [
    defaultLayer(workingFolder, fromFile === undefined ? undefined : file, valueAt(processes?.tree, ['processes'])),
    ...given,
  ];
  const document = layers.reduce<unknown>((all, { tree }) => merge(all, tree), {});
  const parsed = parseDocument(document);
  if (parsed.issues !== undefined) {
    const where = (path: readonly PropertyKey[]): string => ` in ${describeSource(sourceOf(layers, path))}`;
    throw new ConfigError([...new Set(parsed.issues.flatMap((issue) => issueSentences(issue, document, where)))]);
  }
  const config = freeze(resolvePaths(parsed.config, layers, workingFolder));
  const entries = settings.map((setting) => ({
    path: setting.path,
    variable: setting.variable,
    doc: setting.doc,
    value: shown(setting, config, document),
    source: sourceOf(layers, setting.path.split('.')),
  }));
  return {
    config,
    entries,
    file: fromFile === undefined ? undefined : file,
    warnings: environmentWarnings(environment),
  };
}
