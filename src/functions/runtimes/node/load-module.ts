/** Imports a library and says in one sentence where it does not load. */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { basename, dirname, join } from 'node:path';
import type { Callable } from './run-call.ts';
import { versionQuery } from './hooks.ts';

export type Exports = ReadonlyMap<string, unknown>;

/**
 * The module's own exports. `version` makes the I/O thread read the files again; a worker, which
 * serves one version only, needs none.
 */
export async function loadModule(entry: string, version?: string): Promise<Exports> {
  const url = pathToFileURL(entry);
  if (version !== undefined) url.searchParams.set(versionQuery, version);
  const module: unknown = await import(url.href);
  return new Map(Object.entries(module as Readonly<Record<string, unknown>>));
}

export const isCallable = (value: unknown): value is Callable => typeof value === 'function';

/**
 * `index.ts:3: Unexpected token`: the first place in the library's own folder that the error names,
 * without the folder, because sentences like this are shown to people who may not know the machine.
 */
export function describeLoadError(thrown: unknown, folder: string, entry: string): string {
  if (!(thrown instanceof Error))
    return `${basename(entry)}: threw ${oneLine(String(thrown))} while it was loaded; mend it and save the file.`;
  const own = thrown.message.replaceAll(`${pathToFileURL(folder).href}/`, '').replaceAll(`${folder}/`, '');
  const message = oneLine(withoutFolders(own));
  // What was found by reading the file says already where, and what to do.
  if (message.startsWith(`${basename(entry)}:`)) return message;
  const missing = describeMissing(thrown, message, folder);
  if (missing !== undefined) return missing;
  const place = placeIn(thrown.stack ?? '', folder) ?? basename(entry);
  const commonJs = thrown instanceof SyntaxError ? describeCommonJs(message, place, folder) : undefined;
  if (commonJs !== undefined) return commonJs;
  return `${place}: ${message.replace(/[.;]$/, '')}; mend it and save the file.`;
}

/** `/srv/secrets/` of `open '/srv/secrets/db'`: discovery shows the sentence to peers. */
export const withoutFolders = (text: string): string => text.replace(foreignFolders, '');
const foreignFolders = /(?<![\w/:.@-])(?:file:\/\/)?(?:\/[^\s/'"`:]+)+\//g;

/** What Node says of `export` and `import` where a package.json makes it read a file as CommonJS, as `npm init` does. */
const moduleSyntax =
  /^(?:Unexpected token 'export'|Cannot use import statement outside a module|Cannot use 'import\.meta')/;

function describeCommonJs(message: string, place: string, folder: string): string | undefined {
  const [file = ''] = place.split(':');
  if (!moduleSyntax.test(message) || !file.endsWith('.js')) return undefined;
  for (let above = dirname(join(folder, file)); ; above = dirname(above)) {
    if (existsSync(join(above, 'package.json')))
      return `${place}: it is an ES module, but the package.json of the folder ${basename(above)} says that it is CommonJS; name it ${basename(file, '.js')}.mjs, or write "type": "module" there.`;
    if (above === dirname(above)) return undefined;
  }
}

/** An import that leads nowhere; Node does not say on which line it stands. */
function describeMissing(thrown: Error, message: string, folder: string): string | undefined {
  const [, what, name = '', importer = ''] =
    /^Cannot find (package|module) '(.+)' imported from (.+)$/.exec(message) ?? [];
  const path = join(folder, importer);
  if (what === undefined || !('code' in thrown) || thrown.code !== 'ERR_MODULE_NOT_FOUND' || !existsSync(path))
    return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  const wanted = what === 'package' ? name : basename(name);
  const line = lines.findIndex((text) => /\b(?:import|from)\b.*['"]/.test(text) && text.includes(wanted)) + 1;
  const place = line === 0 ? importer : `${importer}:${line}`;
  const found = `${place}: Cannot find ${what} '${name}'`;
  if (what === 'package') return `${found}; run \`npm install ${name}\` in the library's folder and save the file.`;
  const whole = ['.ts', '.js', '/index.ts', '/index.js'].find((end) => existsSync(join(folder, name) + end));
  return whole === undefined
    ? `${found}; mend it and save the file.`
    : `${found}; an import names the file with its ending: '${basename(name)}${whole}'.`;
}

function placeIn(stack: string, folder: string): string | undefined {
  for (const prefix of [`${pathToFileURL(folder).href}/`, `${folder}/`]) {
    const at = stack.indexOf(prefix);
    if (at < 0) continue;
    const place = /^([^\s?:()]+)(?:\?[^\s:()]*)?:(\d+)/.exec(stack.slice(at + prefix.length));
    if (place !== null) return `${place[1]}:${place[2]}`;
  }
  return undefined;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);
