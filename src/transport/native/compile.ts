/**
 * Gets udp-batch.c and what belongs to it compiled for this machine, and loads it. Nothing here fails: what is missing is a reason
 * to use the portable transport.
 *
 * The binary's name carries the system, the processor and a hash of the sources and of how it is compiled,
 * so that one of another version or of a copied node_modules is never loaded. It stands in the package's own
 * folder, where `npm install` puts it when it may run scripts; and where that is read-only, or the scripts
 * did not run, in the user's cache, compiled at the first start. One that does not load (made for another C
 * library) is compiled anew. What somebody else can write is not loaded.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { UdpAddon } from './addon.ts';

/** The addon, or why there is none: a clause. */
export type FoundAddon =
  | { readonly addon: UdpAddon; readonly file: string; readonly missing?: undefined }
  | { readonly missing: string };

export interface CompileOptions {
  /** The folders to look and to write in, in this order. */
  readonly folders: readonly string[];
  readonly compiler: string;
  readonly platform: NodeJS.Platform;
}

const packageFolder = fileURLToPath(new URL('../../..', import.meta.url));
const sourceOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const parts = ['thread-priority', 'connection-id', 'client-hello-filter', 'aes-ccm'];
const sources = ['udp-batch.c', ...parts.map((name) => `${name}.c`)].map(sourceOf);
const included = parts.map((name) => sourceOf(`${name}.h`));
const flags = ['-std=c11', '-O2', '-fPIC', '-shared', '-fvisibility=hidden'];
/** It takes a second; no RFC's number. */
const compileTimeoutMs = 60_000;

function cacheFolder(): string | undefined {
  const named = process.env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(named)) return join(named, 'funcoap');
  try {
    return join(homedir(), '.cache', 'funcoap');
  } catch {
    return undefined; // a user without a home
  }
}

function defaultCompileOptions(): CompileOptions {
  const cache = cacheFolder();
  return {
    folders: [join(packageFolder, 'build'), ...(cache === undefined ? [] : [cache])],
    compiler: 'cc',
    platform: process.platform,
  };
}

const require = createRequire(import.meta.url);
let loaded: { readonly key: string; readonly found: Promise<FoundAddon> } | undefined;

/** Loads the addon, and compiles it first where that has not been done. The same answer every time. */
export function findAddon(options: CompileOptions = defaultCompileOptions()): Promise<FoundAddon> {
  const key = JSON.stringify(options);
  if (loaded?.key !== key) loaded = { key, found: find(options) };
  return loaded.found;
}

async function find({ folders, compiler, platform }: CompileOptions): Promise<FoundAddon> {
  if (platform !== 'linux') return { missing: 'it is for Linux only' };
  let name: string;
  try {
    name = binaryName([...sources, ...included].map((file) => readFileSync(file)));
  } catch {
    return { missing: `its sources ${sources.join(', ')} cannot be read` };
  }
  for (const folder of folders) {
    const file = join(folder, name);
    const addon = isOurs(file) && isOurs(folder) ? load(file) : undefined;
    if (typeof addon === 'object') return { addon, file };
  }
  let missing = 'there is no folder to compile it in';
  for (const folder of folders) {
    const file = join(folder, name);
    const fault = await compile(file, compiler);
    if (fault !== undefined) {
      missing = fault;
      continue;
    }
    const addon = load(file);
    if (typeof addon === 'object') return { addon, file };
    missing = addon;
  }
  return { missing };
}

function binaryName(texts: readonly Uint8Array[]): string {
  const hashed = createHash('sha256');
  for (const text of texts) hashed.update(text);
  const hash = hashed.update(flags.join(' ')).digest('hex').slice(0, 16);
  return `udp-batch-${process.platform}-${process.arch}-${hash}.node`;
}

/** There, and nobody but its owner, who is this user or root, can write it. */
function isOurs(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o022) === 0 && (stat.uid === 0 || stat.uid === process.geteuid?.());
}

function load(file: string): UdpAddon | string {
  try {
    return require(file) as UdpAddon;
  } catch (error) {
    return `it does not load: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Why it could not be compiled; undefined where it was. */
async function compile(file: string, compiler: string): Promise<string | undefined> {
  const folder = dirname(file);
  // A name of its own until it is whole: two gateways may start at once.
  const unfinished = join(folder, `${randomUUID()}.tmp`);
  try {
    // Step by step: in /proc, `recursive` never ends.
    for (const each of [dirname(folder), folder]) if (!existsSync(each)) mkdirSync(each, { mode: 0o755 });
    if (!isOurs(folder)) return `others can write to ${folder}`;
    const headers = join(dirname(require.resolve('node-api-headers')), 'include');
    const args = [...flags, '-I', headers, ...sources, '-o', unfinished];
    await promisify(execFile)(compiler, args, { timeout: compileTimeoutMs });
    chmodSync(unfinished, 0o755); // whatever the umask says: see isOurs
    renameSync(unfinished, file);
    return undefined;
  } catch (error) {
    rmSync(unfinished, { force: true });
    return faultOf(error, compiler, folder);
  }
}

function faultOf(error: unknown, compiler: string, folder: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn'))
    return `there is no C compiler: "${compiler}" cannot be run (on Debian: apt install gcc libc6-dev)`;
  if (code === 'MODULE_NOT_FOUND') return 'the npm package node-api-headers is not installed';
  if (
    code === 'EACCES' ||
    code === 'EROFS' ||
    code === 'EPERM' ||
    code === 'ENOSPC' ||
    code === 'ENOENT' ||
    code === 'ENOTDIR' ||
    code === 'EEXIST'
  )
    return `nothing can be written to ${folder}`;
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const first = said.split('\n').find((line) => line.includes('error'));
  return `"${compiler}" cannot compile it: ${first ?? String(code)}`;
}
