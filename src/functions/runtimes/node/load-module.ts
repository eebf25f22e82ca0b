/** Imports a library and says in one sentence where it does not load. */
import { pathToFileURL } from 'node:url';
import { basename } from 'node:path';
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
  const message = oneLine(thrown.message.replaceAll(`${pathToFileURL(folder).href}/`, '').replaceAll(`${folder}/`, ''));
  if ('code' in thrown && thrown.code === 'library-syntax') return message;
  const place = placeIn(thrown.stack ?? '', folder) ?? basename(entry);
  return `${place}: ${message.replace(/[.;]$/, '')}; mend it and save the file.`;
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
