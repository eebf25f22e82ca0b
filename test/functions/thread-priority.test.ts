/** With the native addon, threads that run libraries stand behind the gateway's own. Read from /proc, so on Linux only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { milliseconds } from '../../src/core/duration.ts';
import { findAddon } from '../../src/transport/native/compile.ts';
import { libraryFolder } from './library-folder.ts';
import { patience } from '../patience.ts';

const addon = await findAddon();
const loops = `/** @safe */ export function loop() { for (;;); }
/** @safe */ export function quick() { return 'quick'; }`;

interface Scheduled {
  readonly nice: number;
  /** In milliseconds; undefined where the kernel does not tell. */
  readonly slice: number | undefined;
}

/** How this process's threads of that name are scheduled: proc_pid_stat(5), field 19; /proc/PID/sched. */
function scheduledAs(name: string): readonly Scheduled[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const folder = join('/proc/self/task', thread);
    const stat = readFileSync(join(folder, 'stat'), 'utf8');
    const end = stat.lastIndexOf(')');
    if (stat.slice(stat.indexOf('(') + 1, end) !== name) return [];
    const nice = Number(stat.slice(end + 2).split(' ')[16]);
    const sched = existsSync(join(folder, 'sched')) ? readFileSync(join(folder, 'sched'), 'utf8') : '';
    const slice = /^se\.slice\s*:\s*(\d+)$/m.exec(sched)?.[1];
    return [{ nice, slice: slice === undefined ? undefined : Number(slice) / 1e6 }];
  });
}

/** From this one on a thread that is not real-time may choose its slice. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const choosesSlice = major > 6 || (major === 6 && minor >= 12);

it.skipIf(addon.missing !== undefined)(
  `an endless loop runs at lower priority than the gateway${addon.missing === undefined ? '' : ` (skipped: no addon, ${addon.missing})`}`,
  async () => {
    const own = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16]);
    const folder = await libraryFolder(
      { 'lib/index.js': loops },
      { priorityAddon: addon.missing === undefined ? addon.file : undefined },
      { timeLimit: milliseconds(800), maxWorkers: 2 },
    );
    const stopped = folder.problem('lib', 'loop');
    expect(await folder.value('lib', 'quick')).toBe('quick');
    // One that has just begun has not lowered itself yet.
    await vi.waitFor(() => {
      const threads = scheduledAs('funcoap lib');
      expect(threads.length).toBeGreaterThan(0);
      for (const { nice, slice } of threads) {
        expect(nice).toBe(19);
        if (choosesSlice && slice !== undefined) expect(slice).toBe(100);
      }
    }, patience);
    expect(Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[16])).toBe(own);
    expect(await stopped).toBe('time-limit');
  },
);

it('an addon that cannot be loaded changes nothing', async () => {
  const folder = await libraryFolder({ 'lib/index.js': loops }, { priorityAddon: '/nowhere/addon.node' });
  expect(await folder.value('lib', 'quick')).toBe('quick');
});
