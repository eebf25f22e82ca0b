/** Which CBOR a Python process speaks, and that nobody can tell. What is compared byte by byte is compared in Python (codec.py). */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { root } from '../../gateway/gateway-process.ts';
import { codecs, pythonWithCbor2 as python } from '../pages/python.ts';
import { pythonFolder } from './python-folder.ts';

beforeEach(({ skip }) => {
  if (python === undefined) skip('needs python3 with cbor2 (Debian: python3-cbor2)');
});

const host = join(root, 'src/functions/runtimes/python/host');

test('by cbor2 is written and read what cbor.py means the same by, and nothing else', () => {
  const script = join(root, 'test/interop/python/codec.py');
  const environment = { ...process.env, HOST: host, PYTHONDONTWRITEBYTECODE: '1' };
  expect(() => execFileSync(python ?? '', [script], { env: environment, stdio: 'pipe' })).not.toThrow();
});

const source = `
import sys
def imported(): return 'cbor2' in sys.modules
def rows(): return [{'a': 1}]
`;

test('it is there where it is installed', async () => {
  const found: unknown[] = [];
  for (const [codec, command] of codecs) {
    const folder = await pythonFolder({ 'lib/lib.py': source }, {}, { python: command });
    found.push([codec, await folder.say('lib/imported'), await folder.say('lib/rows')]);
  }
  expect(found).toEqual([
    ['in CBOR of its own', false, [{ a: 1 }]],
    ['by cbor2', true, [{ a: 1 }]],
  ]);
});

test('libraries have the name cbor2 for themselves: as a file, as a package, as their own', async () => {
  const own = `def dumps(value): return 'mine'\nloads = dumps\n`;
  const uses = `import cbor2\ndef f(): return [cbor2.dumps(1), {'a': [1]}]\n`;
  const folder = await pythonFolder(
    {
      'file/file.py': uses,
      'file/cbor2.py': own,
      'package/package.py': uses,
      'package/cbor2/__init__.py': own,
      'cbor2/__init__.py': `from cbor2.part import dumps as _dumps\ndef f(): return [_dumps(1), {'a': [1]}]\n`,
      'cbor2/part.py': own,
      // Nobody's but the library's: it changes what it has imported.
      'changed/changed.py': `import cbor2\nreal = cbor2.dumps\ncbor2.dumps = cbor2.loads = None\ndef f(): return [real(1).hex(), {'a': [1]}]\n`,
    },
    {},
    { python: python ?? '' },
  );
  const said = await Promise.all(['file', 'package', 'cbor2', 'changed'].map((name) => folder.say(`${name}/f`)));
  const same = { a: [1] };
  expect(said).toEqual([
    ['mine', same],
    ['mine', same],
    ['mine', same],
    ['01', same],
  ]);
});
