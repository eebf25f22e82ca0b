/** R9, E3, E4 and their like: modules as their authors wrote them, for other systems, unchanged. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { milliseconds } from '../../../src/core/duration.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const oslist = `import sqlite3


def list(databasefile='os-list.db'):
    connection = sqlite3.connect(databasefile)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    cursor.execute('SELECT * FROM os ORDER BY id')
    return cursor


def names(databasefile='os-list.db'):
    connection = sqlite3.connect(databasefile)
    for row in connection.execute('SELECT name FROM os ORDER BY id'):
        yield row[0]
`;

const date = `from datetime import datetime


def date(what):
    now = datetime.now()
    if what == 'clock':
        return now.strftime('%H:%M:%S')
    elif what == 'date':
        return now.strftime('%Y-%m-%d')
    raise ValueError('what is neither clock nor date')
`;

const calculator = `#!/usr/bin/env python3
def add(a, b):
    return a + b

def sub(a, b):
    return a - b

def multiply(a, b):
    return a * b

def quotient(a, b):
    return a / b

def remainder(a, b):
    return a % b

functions = {'add': add, 'sub': sub, 'multiply': multiply, 'quotient': quotient, 'remainder': remainder}

def main():
    import socket
    socket.socket().bind(('', 9999))

if __name__ == '__main__':
    main()
`;

const manifest = JSON.stringify({ functions: { list: { pure: true, maxAge: 60 }, names: { safe: true } } });

test('R9 oslist.list gives the rows of a database in its data folder, lazily iterated, and is pure by its manifest', async () => {
  const folder = await pythonFolder({
    'oslist/oslist.py': oslist,
    'oslist/funcoap.json': manifest,
    'oslist/data/.keep': '',
  });
  const database = new DatabaseSync(join(folder.path, 'oslist', 'data', 'os-list.db'));
  database.exec(
    "CREATE TABLE os (id INTEGER, name TEXT, size REAL); INSERT INTO os VALUES (1, 'Contiki', 1.5), (2, 'RIOT', NULL)",
  );
  database.close();
  const rows = [
    { id: 1, name: 'Contiki', size: 1.5 },
    { id: 2, name: 'RIOT', size: null },
  ];
  expect(await folder.say('oslist/list', { databasefile: 'os-list.db' })).toEqual(rows);
  expect(await folder.say('oslist/list')).toEqual(rows);
  // What promises nothing but that it is safe is given row by row.
  expect(folder.registry.find('oslist', 'names')).toMatchObject({ safe: true, stream: true });
  expect(folder.registry.find('oslist', 'list')).toMatchObject({
    pure: true,
    safe: true,
    maxAge: milliseconds(60_000),
  });
  expect((await folder.failure('oslist/list', ['none.db'])).details.remote).toMatchObject({
    name: 'OperationalError',
    message: 'no such table: os',
  });
});

test('R9 date.date gives the clock and the date', async () => {
  const folder = await pythonFolder({ 'date/date.py': date });
  expect(await folder.say('date/date', ['clock'])).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(await folder.say('date/date', { what: 'date' })).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(await folder.failure('date/date', ['year'])).toMatchObject({
    code: 'function-failed',
    details: { remote: { name: 'ValueError', message: 'what is neither clock nor date' } },
  });
});

test("E3 the five functions, in a module called as one of Python's own", async () => {
  const folder = await pythonFolder({
    'math/math.py': calculator,
    'calc/calc.py': 'import math, random, statistics\ndef f(): return math.floor(2.5)',
  });
  expect(await folder.say('math/add', [10, 20])).toBe(30);
  expect(await folder.say('math/sub', { a: 10, b: 20 })).toBe(-10);
  expect(await folder.say('math/multiply', [2n ** 70n, 2])).toBe(2n ** 71n);
  expect(await folder.say('math/quotient', [10, 20])).toBe(0.5);
  expect(await folder.say('math/remainder', [20, 7])).toBe(6);
  expect(await folder.say('calc/f')).toBe(2);
});

test('E4 an unknown method, a wrong call and an exception are told, and the library goes on', async () => {
  const folder = await pythonFolder({ 'calc/calc.py': calculator });
  expect(await folder.failure('calc/quotient', [1, 0])).toMatchObject({
    code: 'function-failed',
    message: 'The function raised ZeroDivisionError.',
    details: { remote: { name: 'ZeroDivisionError', message: 'division by zero' } },
  });
  expect(await folder.failure('calc/power', [1, 0])).toMatchObject({ code: 'no-such-method' });
  expect(await folder.failure('calc/add', [1])).toMatchObject({ code: 'missing-argument' });
  expect(await folder.failure('calc/add', { a: 1, c: 2 })).toMatchObject({ code: 'unexpected-argument' });
  expect(await folder.say('calc/add', ['a', 'b'])).toBe('ab');
});

test('E5 what a module does not define as a function of its own cannot be called', async () => {
  const folder = await pythonFolder({
    'calc/__init__.py': `
from os import system, getcwd
from .inner import helper, shown
from functools import lru_cache, wraps
import json
_secret = lambda: 1
def _hidden(): return 1
class Thing: pass
constant = 5
def traced(f):
    @wraps(f)
    def wrapper(*args): return f(*args)
    return wrapper
@lru_cache
def cached(n: int): return n
@traced
def wrapped(a, b=2): return [a, b]
short = lambda x: x
`,
    'calc/inner.py': 'def helper(): return 1\ndef shown(): return 2\n',
    'listed/listed.py':
      "from os.path import basename\n__all__ = ['basename', 'own']\ndef own(): return 1\ndef other(): return 2\n",
  });
  const methods = (name: string): readonly string[] =>
    folder.registry
      .libraries()
      .find((library) => library.name === name)
      ?.functions.filter((fn) => fn.notCallable === undefined)
      .map((fn) => fn.method) ?? [];
  expect(methods('calc')).toEqual(['traced', 'cached', 'wrapped', 'short']);
  expect(methods('listed')).toEqual(['basename', 'own']);
  expect(await folder.say('calc/wrapped', [1])).toEqual([1, 2]);
  expect(await folder.say('listed/basename', ['/a/b'])).toBe('b');
});
