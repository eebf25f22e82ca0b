/**
 * The log of unsafe requests: files that are only appended to, each as long as something in it is of use.
 *
 *     a file     | its key, sealed under the key file 60 | frames |
 *     a frame    | length 4 | entries, AES-256-GCM, the nonce counts frames | tag 16 |
 *
 * What one write carries is one frame. A frame at the end that is not whole was being written when the process was killed, and
 * nobody relied on it. Anything else that does not open is damage: then the log does not know what has run.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '../../core/bytes.ts';
import type { TimeOfDay } from '../../core/time-of-day.ts';
import type { SecretSeal } from '../secret-seal.ts';
import type { JournalWrite } from './journal-messages.ts';
import { encodeAnswered, encodeBegun, readEntries, type BegunEntry, type StoredRequest } from './request-entry.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const headerBytes = 60;
const tagBytes = 16;
/** Of one file: small, so that it expires as a whole, soon. */
const maxFileBytes = 4 << 20;
const maxFileAgeMs = 60_000;
/** Of all files. Deduplication has a limit of its own, by count; this one is for large replies. No RFC's numbers. */
const maxLogBytes = 128 << 20;

interface LogFile {
  readonly path: string;
  /** Undefined for one of a process before this one. */
  readonly open: { readonly file: number; readonly key: KeyObject; frames: number } | undefined;
  bytes: number;
  readonly createdMs: number;
  /** When the last of its entries is of no use any more. */
  expires: number;
}

export class RequestLog {
  readonly #prefix: string;
  readonly #seal: SecretSeal;
  readonly #files: LogFile[] = [];
  #nextFile = 1;
  #nextNumber = 1;
  #pending: Uint8Array[] = [];
  #pendingExpires = 0;

  /** @param prefix of the paths of its files */
  constructor(folder: string, name: string, seal: SecretSeal) {
    this.#prefix = join(folder, `${name}.`);
    this.#seal = seal;
  }

  /** What processes before this one have written; undefined where it is damaged. */
  read(): ReadonlyMap<number, StoredRequest> | undefined {
    const requests = new Map<number, StoredRequest>();
    for (const { path, number } of this.#found()) {
      const bytes = readFileSync(path);
      const content = this.#entries(bytes, number);
      if (content === undefined) return undefined;
      const seen = new Map<number, StoredRequest>(requests);
      for (const entries of content) readEntries(entries, seen);
      let expires = 0;
      for (const [key, request] of seen) {
        if (requests.get(key) !== request) expires = Math.max(expires, request.expires);
        requests.set(key, request);
        this.#nextNumber = Math.max(this.#nextNumber, key + 1);
      }
      this.#files.push({ path, open: undefined, bytes: bytes.length, createdMs: 0, expires });
      this.#nextFile = number + 1;
    }
    return requests;
  }

  /** Forgets what processes before this one have written. */
  clear(): void {
    for (const { path } of this.#found()) rmSync(path, { force: true });
    this.#files.length = 0;
  }

  /** There is no room for more. */
  get isFull(): boolean {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0) >= maxLogBytes;
  }

  begin(request: Omit<BegunEntry, 'number'>): number {
    const number = this.#nextNumber++;
    this.#add(encodeBegun({ ...request, number }), request.expires);
    return number;
  }

  answered(number: number, reply: Uint8Array, expires: TimeOfDay): void {
    this.#add(encodeAnswered(number, reply), expires);
  }

  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  /** What is to be written. Makes a file where it needs one, and removes those that are of no use. */
  takeWrites(now: TimeOfDay): JournalWrite[] {
    this.#expire(now);
    if (this.#pending.length === 0) return [];
    const writes: JournalWrite[] = [];
    let target = this.#files.at(-1);
    if (target?.open === undefined || target.bytes >= maxFileBytes || now - target.createdMs >= maxFileAgeMs) {
      target = this.#create(now, writes);
    }
    const { open } = target;
    if (open === undefined) return [];
    const content = concatBytes(this.#pending);
    const cipher = createCipheriv(algorithm, open.key, nonceOf(open.frames++));
    const sealed = Buffer.concat([Buffer.alloc(4), cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    sealed.writeUInt32BE(sealed.length - 4);
    writes.push({ file: open.file, position: target.bytes, bytes: new Uint8Array(sealed) });
    target.bytes += sealed.length;
    target.expires = Math.max(target.expires, this.#pendingExpires);
    this.#pending = [];
    this.#pendingExpires = 0;
    return writes;
  }

  get openFiles(): readonly number[] {
    return this.#files.flatMap(({ open }) => (open === undefined ? [] : [open.file]));
  }

  close(): void {
    for (const file of this.openFiles) closeSync(file);
    this.#files.length = 0;
  }

  #add(entry: Uint8Array, expires: TimeOfDay): void {
    this.#pending.push(entry);
    this.#pendingExpires = Math.max(this.#pendingExpires, expires);
  }

  #create(now: TimeOfDay, writes: JournalWrite[]): LogFile {
    const number = this.#nextFile++;
    const path = `${this.#prefix}${number}`;
    const key = randomBytes(keyBytes);
    const file = openSync(path, 'wx', 0o600);
    writes.push({ file, position: 0, bytes: this.#seal.seal(key, this.#ownerOf(number)) });
    const open = { file, key: createSecretKey(key), frames: 0 };
    const made: LogFile = { path, open, bytes: headerBytes, createdMs: now, expires: 0 };
    this.#files.push(made);
    return made;
  }

  #expire(now: TimeOfDay): void {
    for (let at = this.#files.length - 2; at >= 0; at--) {
      const { expires, open, path } = this.#files[at] ?? { expires: Infinity };
      if (now < expires) continue;
      if (open !== undefined) closeSync(open.file);
      if (path !== undefined) rmSync(path, { force: true });
      this.#files.splice(at, 1);
    }
  }

  /** The entries of each frame; undefined where the file is damaged. */
  #entries(bytes: Buffer, number: number): Uint8Array[] | undefined {
    const entries: Uint8Array[] = [];
    // Its first write did not get far.
    if (bytes.length < headerBytes) return entries;
    let key: KeyObject;
    try {
      key = createSecretKey(this.#seal.open(bytes.subarray(0, headerBytes), this.#ownerOf(number)));
    } catch {
      return undefined;
    }
    for (let at = headerBytes; at + 4 <= bytes.length;) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) return entries;
      const content = opened(key, entries.length, bytes.subarray(at + 4, end));
      if (content === undefined) return end === bytes.length ? entries : undefined;
      entries.push(content);
      at = end;
    }
    return entries;
  }

  #found(): { readonly path: string; readonly number: number }[] {
    const slash = Math.max(this.#prefix.lastIndexOf('/'), this.#prefix.lastIndexOf('\\'));
    const [folder, name] = [this.#prefix.slice(0, slash), this.#prefix.slice(slash + 1)];
    return readdirSync(folder)
      .filter((file) => file.startsWith(name) && /^\d+$/.test(file.slice(name.length)))
      .map((file) => ({ path: join(folder, file), number: Number(file.slice(name.length)) }))
      .sort((a, b) => a.number - b.number);
  }

  #ownerOf(number: number): string {
    return `the log of requests, file ${number}`;
  }
}

function opened(key: KeyObject, frame: number, sealed: Buffer): Uint8Array | undefined {
  const length = sealed.length - tagBytes;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(algorithm, key, nonceOf(frame), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(length));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]));
  } catch {
    return undefined;
  }
}

function nonceOf(frame: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(frame, 6, 6);
  return nonce;
}
