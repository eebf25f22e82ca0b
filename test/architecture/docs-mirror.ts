/** Documents that mirror the tree or package.json, checked in both directions. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** docs/architecture.md has a row `| `src/<folder>/` | …` for each folder of src/, and for no other. */
export function folderDocViolations(root: string): string[] {
  const documented = rows(root, 'docs/architecture.md', /^\| `src\/([\w-]+)\/`/gm);
  const real = readdirSync(join(root, 'src'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.parentPath.slice(join(root, 'src').length + 1).split('/')[0] ?? '')
    .filter((folder) => folder !== '');
  return mirror('docs/architecture.md', 'src/', documented, new Set(real));
}

/** docs/dependencies.md has a row `| `<name>` | …` for each direct dependency, and for no other. */
export function dependencyDocViolations(root: string): string[] {
  const documented = rows(root, 'docs/dependencies.md', /^\| `([^`]+)`/gm);
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const real = new Set<string>();
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const name of Object.keys(member(manifest, kind))) real.add(name);
  }
  return mirror('docs/dependencies.md', 'the dependency ', documented, real);
}

/** Every direct dependency has an exact version: `npm ci` and a reader see the same. */
export function versionViolations(root: string): string[] {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(member(manifest, kind)).flatMap(([name, version]) =>
      /^\d+\.\d+\.\d+$/.test(String(version))
        ? []
        : [`package.json: ${name} ${String(version)} is not an exact version`],
    ),
  );
}

/**
 * One development runtime: of two packages with a program `node`, npm 10 deletes `node_modules/.bin/node`
 * with the one that is for another processor (docs/decisions/0001-runtime-and-typescript.md).
 */
export function runtimeViolations(root: string): string[] {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const runtimes = Object.keys(member(manifest, 'optionalDependencies')).filter((name) => name.startsWith('node-'));
  if (runtimes.length === 1) return [];
  return [
    `package.json: ${runtimes.length} development runtimes in optionalDependencies instead of one; after an interrupted npm pack, npm run postpack`,
  ];
}

function rows(root: string, document: string, pattern: RegExp): Set<string> {
  const text = existsSync(join(root, document)) ? readFileSync(join(root, document), 'utf8') : '';
  return new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''));
}

const mirror = (document: string, prefix: string, documented: Set<string>, real: Set<string>): string[] => [
  ...[...real].filter((name) => !documented.has(name)).map((name) => `${document}: ${prefix}${name} is missing`),
  ...[...documented].filter((name) => !real.has(name)).map((name) => `${document}: ${prefix}${name} does not exist`),
];

const member = (value: unknown, name: string): object => {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'object' && found !== null ? found : {};
};
