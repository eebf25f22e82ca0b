/** Only what is shipped, with its ids: a checkout may have libraries of its user's beside them. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const shippedNames = ['date', 'math', 'oslist'] as const;

const shipped = fileURLToPath(new URL('../../libraries', import.meta.url));

interface Lock {
  readonly libraries: Readonly<Record<string, unknown>>;
}

/** The committed ids of the shipped libraries. */
export function shippedLock(): Lock {
  const lock = JSON.parse(readFileSync(join(shipped, 'funcoap.lock.json'), 'utf8')) as Lock;
  return { ...lock, libraries: Object.fromEntries(shippedNames.map((name) => [name, lock.libraries[name]])) };
}

export function copyShippedLibraries(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'funcoap.lock.json'), JSON.stringify(shippedLock()));
  for (const name of shippedNames) cpSync(join(shipped, name), join(folder, name), { recursive: true });
}
