/** With the native addon, threads that run libraries stand behind the gateway's own. Read from /proc, so on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { milliseconds } from '../../src/core/duration.ts';
import { findAddon } from '../../src/transport/native/compile.ts';
import { libraryFolder } from './library-folder.ts';

const addon = await findAddon();
const loops = `/** @safe */ export function loop() { for (;;); }
/** @safe */ export function quick() { return 'quick'; }`;

/** Nice values (proc_pid_stat(5), field 19) of this process's threads of that name. */
function niceOf(name: string): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const stat = readFileSync(join('/proc/self/task', thread, 'stat'), 'utf8');
    const end = stat.lastIndexOf(')');
    return stat.slice(stat.indexOf('(') + 1, end) === name ? [Number(stat.slice(end + 2).split(' ')[16])] : [];
  });
}

it.skipIf(addon.missing !== undefined)(
  `an endless loop runs at lower priority than the gateway${addon.missing === undefined ? '' : ` (skipped: no addon, ${addon.missing})`}`,
  async () => {
    const own = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16]);
    const folder = await libraryFolder(
      { 'lib/index.js': loops },
      { priorityAddon: addon.missing === undefined ? addon.file : undefined },
      { timeLimit: milliseconds(300), maxWorkers: 2 },
    );
    const stopped = folder.problem('lib', 'loop');
    expect(await folder.value('lib', 'quick')).toBe('quick');
    const nice = niceOf('funcoap lib');
    expect(nice.length).toBeGreaterThan(0);
    for (const value of nice) expect(value).toBeGreaterThan(Math.min(own, 18));
    expect(Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16])).toBe(own);
    expect(await stopped).toBe('time-limit');
  },
);

it('an addon that cannot be loaded changes nothing', async () => {
  const folder = await libraryFolder({ 'lib/index.js': loops }, { priorityAddon: '/nowhere/addon.node' });
  expect(await folder.value('lib', 'quick')).toBe('quick');
});
