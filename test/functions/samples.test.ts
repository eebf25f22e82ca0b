import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Instant } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { Registry, type LibraryInvalidation } from '../../src/functions/registry.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { copyShippedLibraries, shippedLock } from './shipped-libraries.ts';

const shipped = fileURLToPath(new URL('../../libraries', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'funcoap-samples-'));
let registry: Registry;

beforeAll(async () => {
  copyShippedLibraries(folder);
  registry = await Registry.open({ folder, scheduler: systemScheduler });
});

afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

const call = async (library: string, method: string, ...args: readonly Value[]): Promise<Value> =>
  (
    await registry.invoke({
      function: registry.find(library, method),
      args,
      caller: { identity: 'local', peer: 'test' },
      correlationId: 'c',
      deadline: (performance.now() + 10_000) as Instant,
    })
  ).value;

it('keeps the ids that are committed with the libraries', () => {
  const lock: unknown = JSON.parse(readFileSync(join(folder, 'funcoap.lock.json'), 'utf8'));
  expect(lock).toEqual(shippedLock());
  expect(registry.libraries().map((library) => [library.name, library.id, library.error])).toEqual([
    ['date', 0, undefined],
    ['math', 1, undefined],
    ['oslist', 2, undefined],
  ]);
});

describe('math', () => {
  it.for([
    ['add', 10, 20, 30],
    ['sub', 10, 20, -10],
    ['multiply', 10, 20, 200],
    ['quotient', 10, 20, 0.5],
    ['remainder', 20, 7, 6],
  ] as const)('%s(%d, %d) is %d', async ([method, a, b, result]) => {
    expect(await call('math', method, a, b)).toBe(result);
  });

  it.for(['quotient', 'remainder'])('refuses to divide by zero in %s', async (method) => {
    await expect(call('math', method, 1, 0)).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { parameter: { name: 'b', id: 1 } },
    });
  });

  it('is pure for 240 seconds', () => {
    expect(registry.find('math', 'add')).toMatchObject({ pure: true, safe: true, maxAge: 240_000 });
  });
});

describe('date', () => {
  it('gives the time of day or the date, and is computed for every call', async () => {
    expect(await call('date', 'date', 'clock')).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(await call('date', 'date', 'date')).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(registry.find('date', 'date')).toMatchObject({ safe: true, pure: false, maxAge: 0 });
  });
});

describe('oslist', () => {
  it('gives the rows of the file that its SQL describes', async () => {
    const database = new DatabaseSync(':memory:');
    database.exec(readFileSync(join(shipped, 'oslist', 'os-list.sql'), 'utf8'));
    const rows = database
      .prepare('SELECT * FROM os ORDER BY id')
      .all()
      .map((row) => ({ ...row }));
    database.close();
    expect(await call('oslist', 'list', 'os-list.db')).toEqual(rows);
    expect(await call('oslist', 'list')).toEqual(rows);
  });

  it.for([
    '../../etc/passwd',
    '..',
    '.',
    '',
    '/etc/passwd',
    'a\0b',
    'sub/../os-list.db',
    '.hidden',
    'none.db',
    'outside.db',
    'text.db',
    '\\..\\x',
    'a'.repeat(300),
  ])('refuses %j', async (name) => {
    symlinkSyncOnce(join(shipped, 'oslist', 'data', 'os-list.db'), join(folder, 'oslist', 'data', 'outside.db'));
    writeFileSync(
      join(folder, 'oslist', 'data', 'text.db'),
      'no database at all, but longer than the header of one would be, which matters',
    );
    await expect(call('oslist', 'list', name)).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { parameter: { name: 'databasefile' } },
    });
  });

  it('gives all rows or says that there are too many: never a part', async () => {
    const database = new DatabaseSync(join(folder, 'oslist', 'data', 'long.db'));
    const upTo = (last: number): string =>
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${last})`;
    database.exec(`CREATE TABLE os (id INTEGER PRIMARY KEY); INSERT INTO os ${upTo(10_000)} SELECT i FROM n`);
    expect(await call('oslist', 'list', 'long.db')).toHaveLength(10_000);
    database.exec('INSERT INTO os VALUES (0)');
    database.close();
    await expect(call('oslist', 'list', 'long.db')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: '"long.db" has more than 10000 rows, too many for one answer; name a file with fewer.',
    });
  });

  it('forgets its results when a file in its data folder changes', async () => {
    await call('oslist', 'list');
    const told = new Promise<LibraryInvalidation>((resolve) => {
      registry.onInvalidate(resolve);
    });
    const database = new DatabaseSync(join(folder, 'oslist', 'data', 'os-list.db'));
    database.exec("INSERT INTO os VALUES (7, 'Tock', 'MIT', 64, 2015)");
    database.close();
    expect(await told).toEqual({ library: 'oslist', tag: 'data' });
    expect(await call('oslist', 'list')).toHaveLength(7);
  });
});

function symlinkSyncOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
