import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { milliseconds } from '../../../src/core/duration.ts';
import { hasIdentities, SqliteIdentityStore } from '../../../src/store/sqlite/identity-store.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { identityStoreContract } from '../../contract/identity-store.ts';
import { newIdentity, psk } from '../../devices/samples.ts';

let folder = '';
let clock = new ManualScheduler();
const fresh = (): void => {
  folder = join(mkdtempSync(join(tmpdir(), 'funcoap-identities-')), 'data');
  clock = new ManualScheduler();
};
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

identityStoreContract({
  name: 'an SQLite file',
  fresh: () => Promise.resolve(fresh()),
  open: () => Promise.resolve(SqliteIdentityStore.open(folder, clock)),
  notice: () => Promise.resolve(clock.advance(milliseconds(100))),
});

const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777;

describe('an SQLite file', () => {
  beforeEach(fresh);

  test('asking whether there are identities makes nothing', () => {
    expect(hasIdentities(folder)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test('folder, database, write-ahead log and key are for their owner alone', async () => {
    const store = SqliteIdentityStore.open(folder, clock);
    await store.enroll(newIdentity('a'));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).toSorted()).toEqual([
      'identities.db',
      'identities.db-shm',
      'identities.db-wal',
      'store.key',
    ]);
    for (const name of readdirSync(folder)) expect([name, modeOf(name)]).toEqual([name, 0o600]);
    await store.close();
    expect(hasIdentities(folder)).toBe(true);
  });

  test('no file holds a key in the clear', async () => {
    const store = SqliteIdentityStore.open(folder, clock);
    await store.enroll(newIdentity('a', { credential: psk('a', 'an unmistakable secret') }));
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name)).includes('unmistakable')).toBe(false);
    }
    await store.close();
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name)).includes('unmistakable')).toBe(false);
    }
  });

  test.each([0o644, 0o640, 0o602])(
    'a key file with mode %o is refused with the command that mends it',
    async (mode) => {
      await SqliteIdentityStore.open(folder, clock).close();
      const path = join(folder, 'store.key');
      chmodSync(path, mode);
      expect(() => SqliteIdentityStore.open(folder, clock)).toThrow(
        expect.objectContaining({ code: 'insecure-file', message: expect.stringContaining(`chmod 600 ${path}`) }),
      );
      chmodSync(path, 0o600);
      await SqliteIdentityStore.open(folder, clock).close();
    },
  );

  test('a key file that is gone is not made anew: nothing that is stored would open', async () => {
    await SqliteIdentityStore.open(folder, clock).close();
    rmSync(join(folder, 'store.key'));
    expect(() => SqliteIdentityStore.open(folder, clock)).toThrow(expect.objectContaining({ code: 'key-file' }));
    expect(existsSync(join(folder, 'store.key'))).toBe(false);
  });

  test.each([
    ['of another store', Buffer.alloc(32, 7).toString('base64')],
    ['that is too short', 'AAAA'],
  ])('a key file %s is refused', async (_, text) => {
    await SqliteIdentityStore.open(folder, clock).close();
    writeFileSync(join(folder, 'store.key'), text);
    expect(() => SqliteIdentityStore.open(folder, clock)).toThrow(expect.objectContaining({ code: 'key-file' }));
  });

  test('a row that somebody else has changed gives no key', async () => {
    const store = SqliteIdentityStore.open(folder, clock);
    await store.enroll(newIdentity('a'));
    await store.enroll(newIdentity('b'));
    const other = new DatabaseSync(join(folder, 'identities.db'));
    other.exec(
      `UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE shown = x'61') WHERE shown = x'62'`,
    );
    other.close();
    const [credential] = (await store.find('b'))?.credentials ?? [];
    if (credential === undefined) throw new Error('no credential');
    expect(() => store.keyOf(credential)).toThrow(expect.objectContaining({ code: 'sealed-secret' }));
    await store.close();
  });

  test('a store that a newer funcoap has written is left alone', async () => {
    await SqliteIdentityStore.open(folder, clock).close();
    const path = join(folder, 'identities.db');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => SqliteIdentityStore.open(folder, clock)).toThrow(expect.objectContaining({ code: 'store-version' }));
  });

  test('a file that is no database is refused, and named', () => {
    writeFileSync(join(folder, '..', 'no-folder'), '');
    const inFile = join(folder, '..', 'no-folder');
    expect(() => SqliteIdentityStore.open(inFile, clock)).toThrow(
      expect.objectContaining({ code: 'cannot-create', message: expect.stringContaining(inFile) }),
    );
  });

  test('nothing is looked at while nobody listens', async () => {
    const store = SqliteIdentityStore.open(folder, clock);
    expect(clock.nextDeadline()).toBeUndefined();
    const leave = store.onChange(() => undefined);
    expect(clock.nextDeadline()).toBeDefined();
    leave();
    expect(clock.nextDeadline()).toBeUndefined();
    await store.close();
  });
});

describe('several processes at once', () => {
  beforeEach(fresh);

  /** Enrolls `count` identities as a process of its own. */
  const enroller = (prefix: string, count: number): Promise<unknown[]> => {
    const module = fileURLToPath(new URL('../../../src/store/sqlite/identity-store.ts', import.meta.url));
    const samples = fileURLToPath(new URL('../../devices/samples.ts', import.meta.url));
    const script = `
      const { SqliteIdentityStore } = await import(${JSON.stringify(module)});
      const { newIdentity } = await import(${JSON.stringify(samples)});
      const store = SqliteIdentityStore.open(${JSON.stringify(folder)}, { now: () => 0, after: () => () => {} });
      for (let i = 0; i < ${count}; i++) await store.enroll(newIdentity(${JSON.stringify(prefix)} + i));
      await store.close();`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return once(child, 'exit');
  };

  test('make one key file, lose no change, and each is noticed by who listens', async () => {
    const ended = [enroller('a', 20), enroller('b', 20)];
    const store = SqliteIdentityStore.open(folder, systemScheduler);
    const all = Promise.withResolvers<void>();
    const look = async (): Promise<void> => {
      if ((await store.list()).length === 40) all.resolve();
    };
    store.onChange(() => void look().catch(all.reject));
    look().catch(all.reject);
    expect(await Promise.all([...ended, all.promise])).toEqual([[0, null], [0, null], undefined]);
    for (const { credentials } of await store.list()) {
      for (const credential of credentials) expect(store.keyOf(credential).length).toBeGreaterThan(0);
    }
    await store.close();
  });
});
