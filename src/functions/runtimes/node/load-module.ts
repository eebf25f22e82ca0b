/** Imports a library. */
import { pathToFileURL } from 'node:url';
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
