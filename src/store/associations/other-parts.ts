/**
 * Parts of processes that there are no more, because the gateway was started with another number of them: nobody will go on with
 * their associations, so the keys of these do not stay on the disk.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../file-lock.ts';

/** Whatever a part has, but its lock. */
const fileOfPart = /^(\d+)\.(?!lock)/;

/**
 * For whoever has the lock of the folder, so that nobody begins a part meanwhile. A part whose process has not ended yet stays
 * until the next time.
 * @param own of the processes that there are
 */
export function removeOtherParts(folder: string, own: readonly number[]): void {
  const files = readdirSync(folder).flatMap((name) => {
    const part = fileOfPart.exec(name)?.[1];
    return part === undefined || own.includes(Number(part)) ? [] : [{ name, part }];
  });
  for (const [part, others] of Map.groupBy(files, (file) => file.part)) {
    const unlock = lockFile(join(folder, `${part}.lock`));
    if (unlock === undefined) continue;
    for (const { name } of others) rmSync(join(folder, name), { force: true });
    unlock();
  }
}
