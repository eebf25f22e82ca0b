/** Libraries in Python as files: dropped in, edited, mistaken, removed, and what they run in. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { missingPython, pythonFolder, type PythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const errorOf = (folder: PythonFolder, name: string): string | undefined =>
  folder.registry.libraries().find((library) => library.name === name)?.error;

describe('a library in Python', () => {
  test('is served from the call after it was dropped in, edited, and removed', async () => {
    const folder = await pythonFolder({});
    folder.write('lib/lib.py', 'def f(): return 1\n');
    expect(await folder.say('lib/f')).toBe(1);
    folder.write('lib/lib.py', 'def f(): return 2\ndef g(): return 3\n');
    expect(await folder.say('lib/f')).toBe(2);
    expect(await folder.say('lib/g')).toBe(3);
    folder.write('lib/part.py', 'x = 5\n');
    folder.write('lib/lib.py', 'import part\ndef f(): return part.x\n');
    expect(await folder.say('lib/f')).toBe(5);
    folder.write('lib/part.py', 'x = 6\n');
    await expect.poll(() => folder.say('lib/f'), { timeout: 15_000 }).toBe(6);
    folder.remove('lib');
    await folder.registry.pending('lib');
    expect(() => folder.registry.find('lib', 'f')).toThrow('There is no library lib');
  });

  test('keeps what a module remembers as long as its files stay, in one process', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': 'n = 0\ndef f():\n    global n\n    n += 1\n    return n\n' });
    const all = await Promise.all(Array.from({ length: 100 }, () => folder.say('lib/f')));
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  test('may say that several processes run it', async () => {
    const folder = await pythonFolder({
      'lib/lib.py': 'import os, time\ndef f():\n    time.sleep(0.4)\n    return os.getpid()\n',
      'lib/funcoap.json': '{ "processes": 2 }',
    });
    const pids = await Promise.all(Array.from({ length: 12 }, () => folder.say('lib/f')));
    expect(new Set(pids).size).toBe(2);
  });

  test('finishes calls on the code that they began on, and its process tidies up', async () => {
    const folder = await pythonFolder({
      'lib/lib.py': `
import atexit, os, time
@atexit.register
def tidy(): open(os.path.join(os.path.dirname(__file__), 'data', 'tidied'), 'w').close()
def f():
    open('begun', 'w').close()
    time.sleep(0.5)
    return 1
`,
      'lib/data/.keep': '',
    });
    await folder.registry.pending('lib');
    const running = folder.say('lib/f');
    await expect.poll(() => existsSync(join(folder.path, 'lib/data/begun'))).toBe(true);
    folder.write('lib/lib.py', 'def f(): return 2\n');
    expect(await folder.say('lib/f')).toBe(2);
    expect(await running).toBe(1);
    await expect.poll(() => existsSync(join(folder.path, 'lib/data/tidied')), { timeout: 10_000 }).toBe(true);
  });

  test('has ids in the lock file, also for keyword-only parameters, and leaves no compiled files', async () => {
    const folder = await pythonFolder({
      'my-lib/my_lib.py': 'import part\ndef f(a, *more, c=1): return 1\n',
      'my-lib/part.py': '',
    });
    const lock: unknown = JSON.parse(readFileSync(join(folder.path, 'funcoap.lock.json'), 'utf8'));
    expect(JSON.stringify(lock)).toContain('"my-lib"');
    expect(folder.registry.find('my-lib', 'f').parameters.map(({ name, id }) => [name, id])).toEqual([
      ['a', 0],
      ['c', 1],
      ['more', 2],
    ]);
    expect(readdirSync(join(folder.path, 'my-lib')).sort()).toEqual(['my_lib.py', 'part.py']);
  });

  test('uses the .venv of its folder where there is one', async ({ skip }) => {
    const folder = await pythonFolder({ 'plain/plain.py': 'import sys\ndef f(): return sys.prefix\n' });
    const venv = join(folder.path, 'own', '.venv');
    try {
      execFileSync('python3', ['-m', 'venv', '--without-pip', venv], { stdio: 'ignore' });
    } catch {
      skip('needs the module venv (Debian: python3-venv)');
    }
    folder.write('own/own.py', 'import sys\ndef f(): return sys.prefix\n');
    expect(await folder.say('own/f')).toBe(venv);
    expect(await folder.say('plain/f')).not.toBe(venv);
  });
});

test('where the system refuses another process, that is told, and the gateway goes on', () => {
  const program = fileURLToPath(new URL('no-descriptors.ts', import.meta.url));
  const command = 'ulimit -n 64 && exec "$0" "$1"';
  const said = execFileSync('sh', ['-c', command, process.execPath, program], { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual([
    {
      kind: 'load-failed',
      failure: { message: expect.stringMatching(/^Python cannot be started: .*EMFILE/) as string },
    },
  ]);
});

describe('a mistake is told in one sentence, and takes no other library down', () => {
  const mistakes: readonly (readonly [name: string, files: Readonly<Record<string, string>>, told: string])[] = [
    ['syntax', { 'syntax.py': 'x = 1\ndef f(:\n' }, 'syntax.py:2: invalid syntax; mend it and save the file.'],
    [
      'missing',
      { 'missing.py': '\nimport flask_of_nobody\n' },
      "missing.py:2: there is no module 'flask_of_nobody'; install it in the library's folder with `python3 -m venv .venv && .venv/bin/pip install flask_of_nobody` and save the file.",
    ],
    [
      'name',
      { 'name.py': 'from os import nothing_such\n' },
      "name.py:1: ImportError: cannot import name 'nothing_such' from 'os' (os.py); mend it and save the file.",
    ],
    [
      'raises',
      { 'raises.py': 'def f(): g()\ndef g(): raise ValueError("no database.")\nf()\n' },
      'raises.py:2: ValueError: no database; mend it and save the file.',
    ],
    [
      'inside',
      { 'inside.py': 'import part\n', 'part.py': '\n\n1 / 0\n' },
      'part.py:3: ZeroDivisionError: division by zero; mend it and save the file.',
    ],
    [
      'exits',
      { 'exits.py': 'import sys\nsys.exit(2)\n' },
      'exits.py:2: it called sys.exit(2) while loading; put what a program does below `if __name__ == "__main__":`.',
    ],
    [
      'dies',
      { 'dies.py': 'import os\nos._exit(9)\n' },
      'its Python process ended with exit code 9 while loading; a module is loaded to its end, without os._exit() and without a crash.',
    ],
    [
      'promise',
      { 'promise.py': 'from funcoap import pure\n@pure(max_age="long")\ndef f(): pass\n' },
      'promise.py:2: f: max_age is a number of seconds; write one, such as 60.',
    ],
    [
      'flag',
      { 'flag.py': 'from funcoap import pure\n@pure(shared=2)\ndef f(): pass\n' },
      'flag.py:2: f: shared is either promised or not; write True or False.',
    ],
    [
      'limit',
      { 'limit.py': 'from funcoap import time_limit\n@time_limit\ndef f(): pass\n' },
      'limit.py:2: TypeError: @time_limit needs its seconds, such as @time_limit(2); mend it and save the file.',
    ],
    [
      'seconds',
      { 'seconds.py': 'from funcoap import pure\n@pure(60)\ndef f(): pass\n' },
      'seconds.py:2: TypeError: a promise is of a function, not of 60; seconds have a name, such as @pure(max_age=60); mend it and save the file.',
    ],
    [
      'above',
      { 'above.py': 'from funcoap import safe\nclass A:\n    @safe\n    @property\n    def m(self): pass\n' },
      'above.py:3: TypeError: what a property promises stands below @property, above its function; mend it and save the file.',
    ],
    [
      'awaited',
      { 'awaited.py': '\nclass A:\n    async def __init__(self): pass\n' },
      'awaited.py:3: __init__ of A is async, which nobody awaits; write an async function that returns the object.',
    ],
    [
      'classes',
      { 'classes.py': '\nclass A:\n    __instance__ = "one"\n    def m(self): pass\n' },
      "classes.py:2: __instance__ of A is 'single', 'session' or 'percall'; write one of them, or remove it.",
    ],
    [
      'inner',
      { 'inner.py': 'import os.nothing\n' },
      "inner.py:1: there is no module 'os.nothing'; mend the name and save the file.",
    ],
    [
      'relative',
      { 'relative.py': 'from . import other\n' },
      'relative.py:1: ImportError: attempted relative import with no known parent package; write `import other`, or name the file __init__.py.',
    ],
    [
      'coding',
      { 'coding.py': '# -*- coding: latin-99 -*-\n' },
      'coding.py: unknown encoding: latin-99; mend it and save the file.',
    ],
    [
      'manifest',
      { 'manifest.py': 'def f(): pass\n', 'funcoap.json': '{ "functions": { "g": { "pure": true } } }' },
      'funcoap.json promises something of g, and manifest.py has no such function; mend the name.',
    ],
    [
      'unsafe',
      { 'unsafe.py': 'def f(): pass\n', 'funcoap.json': '{ "functions": { "f": { "maxAge": 60 } } }' },
      'unsafe.py:1: only results of a pure function are cached; promise that f is pure, or remove maxAge.',
    ],
    [
      'misspelt',
      { 'misspelt.py': 'def f(): pass\n', 'funcoap.json': '{ "functions": { "f": { "max_age": 60 } } }' },
      'funcoap.json: functions.f: max_age is not known: did you mean maxAge?',
    ],
    [
      'key',
      { 'key.py': 'def f(): pass\n', 'funcoap.json': '{ "timeout": 1 }' },
      'funcoap.json: timeout is not known: there may be processes, functions.',
    ],
    [
      'listed',
      { 'listed.py': 'def count(): pass\n__all__ = [\n    "count",\n    "cuont",\n]\n' },
      "listed.py:4: __all__ has 'cuont', which is not in the module: did you mean 'count'?",
    ],
    [
      'nowhere',
      { '__init__.py': "import sys\nnames = ['elsewhere']\n__all__ = ['f', *names]\ndef f(): pass\n" },
      "__init__.py:3: __all__ has 'elsewhere', which is not in the module: mend the name, or remove it.",
    ],
    [
      'text',
      { 'text.py': "\n__all__ = 'f'\ndef f(): pass\n" },
      "text.py:2: __all__ is a str; write a list of names, such as __all__ = ['count'].",
    ],
    [
      'functions',
      { 'functions.py': 'def f(): pass\n__all__ = [f]\n' },
      'functions.py:2: __all__ has f itself in it, which is no text; write names in quotes.',
    ],
    [
      'hidden-list',
      { 'hidden_list.py': "globals()['__all' + '__'] = ['g']\ndef f(): pass\n" },
      "hidden_list.py: __all__ has 'g', which is not in the module: mend the name, or remove it.",
    ],
    [
      'dotted',
      { '__init__.py': "__all__ = ['part.f']\n", 'part.py': 'raise ValueError("nobody asked")\n' },
      "__init__.py:1: __all__ has 'part.f', which is not in the module: mend the name, or remove it.",
    ],
    [
      'empty',
      { 'other.py': 'def f(): pass\n' },
      'the folder has no index.ts or index.js, and no empty.py or __init__.py; write one that has functions.',
    ],
  ];

  test('file and line where they are known', async () => {
    const files = Object.fromEntries(
      mistakes.flatMap(([name, own]) => Object.entries(own).map(([file, text]) => [`${name}/${file}`, text])),
    );
    const folder = await pythonFolder({ ...files, 'good/good.py': 'def f(): return 1\n' });
    expect(mistakes.map(([name]) => [name, errorOf(folder, name)])).toEqual(
      mistakes.map(([name, , told]) => [name, told]),
    );
    expect(await folder.say('good/f')).toBe(1);
    expect(await folder.problem('syntax', 'f')).toBe('library-failed');
    folder.write('syntax/syntax.py', 'def f(): return 5\n');
    expect(await folder.say('syntax/f')).toBe(5);
  });

  test('a package may list what it imports when it is asked for it', async () => {
    const folder = await pythonFolder({
      'lazy/__init__.py': `__all__ = ('f', 'part', 'late', '__version__')
__version__ = '1'
def f(): return 1
def __getattr__(name):
    if name == 'late': return 5
    raise AttributeError(name)
`,
      'lazy/part.py': 'raise ValueError("nobody asked")\n',
    });
    expect(await folder.say('lazy/f')).toBe(1);
  });

  test('the last good version stays in service', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': 'def f(): return 1\n' });
    folder.write('lib/lib.py', 'def f(: return 2\n');
    expect(await folder.say('lib/f')).toBe(1);
    expect(errorOf(folder, 'lib')).toMatch(/^lib\.py:1: invalid syntax/);
  });

  test('where there is no python3, libraries in Python say so, and the others are served', async () => {
    const folder = await pythonFolder(
      { 'lib/lib.py': 'def f(): return 1\n', 'node/index.ts': 'export const f = (): number => 2;' },
      {},
      { python: 'no-python-here' },
    );
    expect(errorOf(folder, 'lib')).toBe(
      'it is written in Python, and there is no no-python-here on this machine; install Python 3.9 or newer and save the file.',
    );
    expect(await folder.say('node/f')).toBe(2);
    expect((await folder.failure('lib/f')).message).toMatch(/^lib does not load: it is written in Python/);
  });
});
