/** The repository as a list of files: what may lie at the top, and words that no file may contain. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Fixed: whoever adds to it argues for it. */
const topLevel: readonly string[] = `
  src libraries firmware-examples test bin docs
  README.md CHANGELOG.md CONTRIBUTING.md LICENSE
  package.json package-lock.json tsconfig.json tsconfig.build.json vitest.config.ts knip.json
  .oxlintrc.json .oxfmtrc.json .editorconfig .gitattributes .gitignore .npmrc .nvmrc
  .ci .github
`
  .trim()
  .split(/\s+/);

const notOurs = new Set(['node_modules', 'dist', 'coverage', '.git', 'data']);

/** The tracked files, or where there is no git, every file that is not built or installed. */
export function repositoryFiles(root: string): string[] {
  if (existsSync(join(root, '.git'))) {
    const listed = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    return listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
  }
  const files: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (notOurs.has(entry.name)) continue;
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else files.push(path);
    }
  };
  walk('.');
  return files;
}

export function topLevelViolations(paths: readonly string[]): string[] {
  const found = new Set(paths.map((path) => path.split('/')[0] ?? path));
  return [...found]
    .filter((name) => !topLevel.includes(name))
    .map((name) => `${name}: the top level is fixed, put it into a folder of it`);
}

// Letters in brackets, so that this file does not contain what it looks for.
const forbidden: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /(?<![\w.-])\/[w]ork(?![\w-])/, what: 'an absolute path of the machine it was written on' },
  { pattern: /\.\.\/[s]hared(?![\w-])/, what: 'a path outside the repository' },
  {
    pattern: /\bregistry\.[a-z0-9-]+\.(?:com|org|net|io|dev|lan|local|internal)\b/i,
    what: 'the host of a package registry',
  },
  { pattern: /"[r]esolved": "https?:/, what: 'the address a package was fetched from' },
  { pattern: /\b_[a]uthToken\b/, what: 'a credential of a registry' },
];

export function wordViolations(root: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const text = readFileSync(join(root, path), 'latin1');
    if (text.includes('\0')) return [];
    return text.split('\n').flatMap((line, index) => {
      const found = forbidden.find(({ pattern }) => pattern.test(line));
      return found === undefined ? [] : [`${path}:${index + 1}: ${found.what}`];
    });
  });
}
