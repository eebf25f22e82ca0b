/** The package as npm makes it from this checkout, and as a stranger installs it. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The lowest supported runtime, and one that is too old. */
export const lowestNode = '22.18.0';
export const oldNode = '20.19.5';

/** A temporary folder; the caller removes it. */
export const temporaryFolder = (name: string): string => mkdtempSync(join(tmpdir(), `funcoap-${name}-`));

export const remove = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
};

/** Runs a program to its end with this `node` first on PATH. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  node: string = process.execPath,
): SpawnSyncReturns<string> {
  const env = { ...process.env, PATH: [dirname(node), process.env['PATH'] ?? ''].join(delimiter), NO_COLOR: '1' };
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 110_000 });
}

/** Runs npm and gives its standard output; throws with all it said where it failed. */
export function npm(args: readonly string[], cwd: string): string {
  const result = run('npm', args, cwd);
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/**
 * A copy of what packing reads, with this checkout's dependencies: packing changes package.json for
 * a moment, which no test may do to the checkout itself.
 */
export function copyCheckout(into: string): void {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  const packed = files.filter((name) => name !== 'dist' && !name.startsWith('!'));
  const needed = ['src', '.ci', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'];
  for (const name of new Set([...packed, ...needed, 'LICENSE', 'README.md'])) {
    cpSync(join(root, name), join(into, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(into, 'node_modules'));
}

/** Packs the copy; gives the path of the tarball. */
export function pack(copy: string): string {
  const before = readFileSync(join(copy, 'package.json'), 'utf8');
  const name = npm(['pack', '--silent'], copy).trim().split('\n').at(-1) ?? '';
  if (readFileSync(join(copy, 'package.json'), 'utf8') !== before)
    throw new Error('npm pack left package.json changed');
  return join(copy, basename(name));
}

/** Installs packages into an empty folder, from npm's cache as far as it has them. */
export function install(folder: string, packages: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], folder);
}

/** The path of another Node's program, installed from npm into a folder. */
export function installNode(folder: string, version: string): string {
  const name = `node-linux-${process.arch}`;
  install(folder, [`${name}@${version}`]);
  return join(folder, 'node_modules', name, 'bin', 'node');
}
