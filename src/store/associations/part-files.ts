/** The files of one process's part of the associations: opened, believed or not, and read. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../core/error.ts';
import { makeDataFolder } from '../data-folder.ts';
import type { SecretSeal } from '../secret-seal.ts';
import { readState, writeState, type PartState } from './part-state.ts';
import { makeWitness, readWitness } from './witness.ts';

type Name = 'associations' | 'marks' | 'sessions';

const keyOwner = 'the key of fingerprints';

export interface PartOptions {
  readonly folder: string;
  /** The number of the process. */
  readonly part: number;
  readonly seal: SecretSeal;
  /** Of the machine; undefined where it does not say. */
  readonly bootId: string | undefined;
  /** Requests are told apart by this key already: what was kept by another one is of no use. Left out: that of before, or a new one. */
  readonly fingerprintKey?: number | undefined;
}

export class PartFiles {
  readonly files: Readonly<Record<Name, number>>;
  /** By which requests are told apart. */
  readonly fingerprintKey: number;
  /** What is in the files is what the last process has written. */
  readonly isBelieved: boolean;
  /** Nothing was there. */
  readonly isNew: boolean;
  readonly #statePath: string;
  #state: PartState;

  /** @throws UsageError 'store-failed' */
  constructor({ folder, part, seal, bootId, fingerprintKey }: PartOptions) {
    const boot = bootId ?? null;
    this.#statePath = join(folder, `${part}.state`);
    const witnessPath = join(folder, `${part}.witness`);
    try {
      makeDataFolder(folder);
      this.files = open(folder, part);
      const found = readState(this.#statePath);
      const inodes = Object.values(this.files).map((file) => String(fstatSync(file).ino));
      const key = found === undefined ? undefined : opened(seal, found.key);
      this.isNew = found === undefined && Object.values(this.files).every((file) => fstatSync(file).size === 0);
      this.isBelieved =
        found !== undefined &&
        key !== undefined &&
        (fingerprintKey === undefined || fingerprintKey === key.readUInt32BE()) &&
        (found.clean || (found.boot !== null && found.boot === boot)) &&
        found.inodes.join() === inodes.join() &&
        found.witness === readWitness(witnessPath);
      const fresh = randomBytes(4);
      if (fingerprintKey !== undefined) fresh.writeUInt32BE(fingerprintKey);
      const goesOn = this.isBelieved && found !== undefined && key !== undefined;
      this.fingerprintKey = (goesOn ? key : fresh).readUInt32BE();
      const sealed = goesOn ? found.key : Buffer.from(seal.seal(fresh, keyOwner)).toString('base64');
      // The same as before where it counts: between another one and the state that names it the process could be killed.
      const witness = goesOn ? found.witness : makeWitness(witnessPath);
      this.#state = { version: 2, boot, clean: false, inodes, witness, key: sealed };
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw new UsageError(
        'store-failed',
        `What associations need in ${folder} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { cause },
      );
    }
  }

  read(name: Name): Uint8Array {
    return new Uint8Array(readFileSync(this.files[name]));
  }

  clear(): void {
    for (const file of Object.values(this.files)) ftruncateSync(file);
  }

  /**
   * From here on the files change, and are worth something only until the machine stops.
   * Fails where the system refuses it.
   */
  begin(): void {
    writeState(this.#statePath, this.#state);
  }

  /**
   * The files do not say any more what was read: without its state nobody believes them, until `begin` is called again. A disk
   * that is full takes a file away all the same; one that does not is none that another process could begin on.
   */
  distrust(): void {
    try {
      rmSync(this.#statePath, { force: true });
    } catch {
      // What could not be written is told already.
    }
  }

  /** All is on the disk. */
  end(): void {
    this.#state = { ...this.#state, clean: true };
    writeState(this.#statePath, this.#state);
  }

  close(): void {
    for (const file of Object.values(this.files)) closeSync(file);
  }
}

function open(folder: string, part: number): Record<Name, number> {
  const flags = constants.O_RDWR | constants.O_CREAT;
  const one = (name: Name): number => openSync(join(folder, `${part}.${name}`), flags, 0o600);
  return { associations: one('associations'), marks: one('marks'), sessions: one('sessions') };
}

function opened(seal: SecretSeal, sealed: string): Buffer | undefined {
  try {
    const key = Buffer.from(seal.open(Buffer.from(sealed, 'base64'), keyOwner));
    return key.length === 4 ? key : undefined;
  } catch {
    return undefined;
  }
}
