/**
 * What happens to package.json around `npm pack`. The development runtimes (node-linux-*) stand in
 * optionalDependencies so that a checkout runs on any machine; a published package must not bring a
 * runtime to anyone, so they are taken out of the packed package.json and put back afterwards.
 *
 * There is no backup to lose: what to put back is read from package-lock.json, which packing never
 * touches. After an interrupted pack, `npm run postpack` (or the next `npm pack`) mends the file.
 *
 * Usage: node .ci/pack.ts strip | restore | refuse
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Dependencies = Record<string, string>;
interface Manifest {
  version: string;
  optionalDependencies?: Dependencies;
}
interface LockFile {
  packages: { '': Manifest };
}

const manifestUrl = new URL('../package.json', import.meta.url);
const lockUrl = new URL('../package-lock.json', import.meta.url);

const read = (url: URL): unknown => JSON.parse(readFileSync(url, 'utf8'));
const readManifest = (): Manifest => read(manifestUrl) as Manifest;
const write = (manifest: Manifest): void => {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (text !== readFileSync(manifestUrl, 'utf8')) writeFileSync(manifestUrl, text);
};

const isRuntime = ([name]: [string, string]): boolean => name.startsWith('node-linux-');
const runtimesOf = (manifest: Manifest): [string, string][] =>
  Object.entries(manifest.optionalDependencies ?? {}).filter((entry) => isRuntime(entry));

/** Takes the development runtimes out. */
function strip(): void {
  const { optionalDependencies, ...manifest } = readManifest();
  const kept = Object.entries(optionalDependencies ?? {}).filter((entry) => !isRuntime(entry));
  write(kept.length === 0 ? manifest : { ...manifest, optionalDependencies: Object.fromEntries(kept) });
}

/** Puts them back as package-lock.json has them; changes nothing where they are there. */
function restore(): void {
  const manifest = readManifest();
  const missing = Object.fromEntries(runtimesOf((read(lockUrl) as LockFile).packages['']));
  write({ ...manifest, optionalDependencies: { ...missing, ...manifest.optionalDependencies } });
}

/**
 * `npm publish` in a folder reads package.json again after `postpack` has restored it and would
 * register the development runtimes as dependencies of the package; publishing a tarball does not.
 */
function refuse(): never {
  const { version } = readManifest();
  process.stderr.write(
    `Publish the tarball, not the folder: npm pack && npm publish funcoap-${version}.tgz ` +
      '(a folder would be registered with the development runtimes as dependencies).\n',
  );
  process.exit(1);
}

const [action] = process.argv.slice(2);
if (action === 'strip') strip();
else if (action === 'restore') restore();
else if (action === 'refuse') refuse();
else throw new Error(`usage: node .ci/pack.ts strip | restore | refuse (not ${action ?? 'nothing'})`);
