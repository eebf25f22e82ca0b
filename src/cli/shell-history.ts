/** The lines of earlier shells, in the user's state folder (XDG Base Directory), readable by the user alone. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../store/make-folder.ts';
import type { Terminal } from './terminal.ts';

const maxLines = 1000;

function fileOf({ environment }: Pick<Terminal, 'environment'>): string | undefined {
  const { XDG_STATE_HOME: state, HOME: home } = environment;
  if (state !== undefined && state !== '') return join(state, 'funcoap', 'history');
  return home === undefined || home === '' ? undefined : join(home, '.local', 'state', 'funcoap', 'history');
}

/** The newest first. */
export async function readHistory(terminal: Pick<Terminal, 'environment'>): Promise<string[]> {
  const file = fileOf(terminal);
  const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).toReversed();
}

/** A line that begins with a space is not kept. @throws file system errors */
export async function writeHistory(terminal: Pick<Terminal, 'environment'>, lines: readonly string[]): Promise<void> {
  const file = fileOf(terminal);
  if (file === undefined) return;
  makeFolder(dirname(file), 0o700);
  const kept = lines.filter((line) => !line.startsWith(' ')).slice(0, maxLines);
  await writeFile(
    file,
    kept
      .toReversed()
      .map((line) => `${line}\n`)
      .join(''),
    { mode: 0o600 },
  );
}
