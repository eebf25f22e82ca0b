/**
 * Whether what lies on the disk is what the last process has written. The journal goes to the system, not to the disk, so all of
 * it is there when a process was killed, and parts may be missing when the machine was: then nonces could be used twice, and
 * records be read twice. So it is believed if nothing but the process has ended since (the machine's boot is the same), or if
 * the last one has flushed and said so; and only where its files are those that were written, not copies of an earlier time.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { flushFolder } from '../key-file.ts';

export interface PartState {
  readonly version: 2;
  /** Null where the system does not say. */
  readonly boot: string | null;
  readonly clean: boolean;
  /** Of the files, by which another one in their place is known. */
  readonly inodes: readonly string[];
  /** By which a folder that was put back is known (witness.ts). */
  readonly witness: string;
  /** The key of fingerprints, sealed, in base64. */
  readonly key: string;
}

const shape: z.ZodType<PartState> = z.strictObject({
  version: z.literal(2),
  boot: z.nullable(z.string()),
  clean: z.boolean(),
  inodes: z.array(z.string()),
  witness: z.string(),
  key: z.string(),
});

/** Undefined where there is none, or none that is understood. */
export function readState(path: string): PartState | undefined {
  try {
    return shape.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** On the disk when it returns, whole or not at all. */
export function writeState(path: string, state: PartState): void {
  const aside = `${path}.new`;
  const file = openSync(aside, 'w', 0o600);
  writeSync(file, JSON.stringify(state));
  fsyncSync(file);
  closeSync(file);
  renameSync(aside, path);
  flushFolder(dirname(path));
}

/** Another one with each start of the machine. */
export function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Only Linux says it. Elsewhere associations outlive a process that was stopped, not one that was killed.
    return undefined;
  }
}
