import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../src/core/bytes.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { Credentials, sha256 } from '../../src/devices/credentials.ts';
import { checkIdentityName, nextPskIdentity, type Identity } from '../../src/devices/identity.ts';
import { SqliteIdentityStore } from '../../src/store/sqlite/identity-store.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { at, newIdentity, psk, x509 } from './samples.ts';

let folder = '';
let scheduler = new ManualScheduler();
let store: SqliteIdentityStore;
let now = 1000;
let faults: unknown[] = [];
const opened: Credentials[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-credentials-'));
  scheduler = new ManualScheduler();
  store = SqliteIdentityStore.open(folder, scheduler);
  now = 1000;
  faults = [];
});
afterEach(async () => {
  for (const credentials of opened.splice(0)) credentials.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<Credentials> {
  const credentials = await Credentials.open({
    store,
    timeOfDay: () => at(now),
    onFault: (error) => faults.push(error),
  });
  opened.push(credentials);
  return credentials;
}

/** What the store tells is read in a later turn. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const nameOf = (credentials: Credentials, shown: string): string | undefined => credentials.psk(utf8(shown)).peer?.name;

describe('a pre-shared key', () => {
  test('is found by the PSK identity, with who it is', async () => {
    await store.enroll(
      newIdentity('meter-7', { groups: ['meters'], allowLegacyMasterSecret: true, expires: at(9000) }),
    );
    const { key, peer } = (await open()).psk(utf8('meter-7'));
    expect(textOf(key)).toBe('key of meter-7');
    expect(peer).toEqual({
      name: 'meter-7',
      groups: ['meters'],
      enrolled: expect.any(Number),
      kind: 'psk',
      allowLegacyMasterSecret: true,
      validUntil: 9000,
      credentialId: expect.any(String),
    });
  });

  test('of an identity that is unknown, revoked or expired is one that nobody has, the same each time', async () => {
    await store.enroll(newIdentity('meter-7', { expires: at(2000) }));
    await store.enroll(newIdentity('meter-8'));
    await store.revoke('meter-8', at(1000));
    const credentials = await open();
    now = 2000;
    const answers = ['meter-7', 'meter-8', 'nobody', ''].map((shown) => credentials.psk(utf8(shown)));
    for (const { key, peer } of answers) {
      expect(peer).toBeUndefined();
      expect(key.length).toBe(22);
    }
    expect(new Set(answers.map(({ key }) => String(key))).size).toBe(4);
    expect(credentials.psk(utf8('nobody'))).toEqual(answers[2]);
    expect(faults).toEqual([]);
  });

  test('that does not open is a fault for the log, and to the peer an unknown identity', async () => {
    await store.enroll(newIdentity('meter-7'));
    const other = new DatabaseSync(join(folder, 'identities.db'));
    other.exec(`UPDATE credentials SET sealed = zeroblob(40)`);
    other.close();
    const credentials = await open();
    const { key, peer } = credentials.psk(utf8('meter-7'));
    expect([key.length, peer]).toEqual([22, undefined]);
    expect(faults).toEqual([expect.objectContaining({ code: 'sealed-secret' })]);
    // A stranger cannot fill the log.
    credentials.psk(utf8('nobody'));
    expect(faults).toHaveLength(1);
  });
});

test('who waits for a change is told when it counts, not before', async () => {
  await store.enroll(newIdentity('meter-7'));
  const credentials = await open();
  const ended: string[] = [];
  credentials.onEnd(({ name }) => ended.push(name));
  const told: unknown[] = [];
  credentials.onTaken((revision) => told.push([revision, nameOf(credentials, 'meter-7'), ...ended]));
  await store.revoke('meter-7', at(1000));
  await turn();
  await store.enroll(newIdentity('meter-8'));
  await turn();
  expect(told).toEqual([
    [1, 'meter-7'],
    [2, undefined, 'meter-7'],
    [3, undefined, 'meter-7'],
  ]);
});

test('a certificate and a public key are found by their bytes, each as its own kind', async () => {
  const [certificate, key] = [utf8('a certificate in DER'), utf8('a public key in DER')];
  await store.enroll(newIdentity('gate', { credential: x509(sha256(certificate)) }));
  await store.enroll(newIdentity('lamp', { credential: { ...x509(sha256(key)), kind: 'rpk' } }));
  const credentials = await open();
  expect(credentials.certificate(certificate)?.name).toBe('gate');
  expect(credentials.publicKey(key)?.name).toBe('lamp');
  expect(credentials.certificate(key)).toBeUndefined();
  expect(credentials.publicKey(certificate)).toBeUndefined();
});

describe('a change takes effect', () => {
  test('at once where this process made it', async () => {
    const credentials = await open();
    await store.enroll(newIdentity('meter-7'));
    await turn();
    expect(nameOf(credentials, 'meter-7')).toBe('meter-7');
  });

  test('within 100 ms where another one did', async () => {
    const credentials = await open();
    const other = SqliteIdentityStore.open(folder, scheduler);
    await other.enroll(newIdentity('meter-7'));
    await turn();
    expect(nameOf(credentials, 'meter-7')).toBeUndefined();
    scheduler.advance(milliseconds(100));
    await turn();
    expect(nameOf(credentials, 'meter-7')).toBe('meter-7');
    await other.close();
  });

  test('later, where it cannot be read at once', async () => {
    await store.enroll(newIdentity('meter-7'));
    const credentials = await open();
    const other = new DatabaseSync(join(folder, 'identities.db'));
    other.exec('UPDATE identities SET revoked = 1, revision = revision + 1; ALTER TABLE identities RENAME TO aside');
    scheduler.advance(milliseconds(100));
    await turn();
    expect([nameOf(credentials, 'meter-7'), faults.length]).toEqual(['meter-7', 1]);
    other.exec('ALTER TABLE aside RENAME TO identities');
    other.close();
    credentials.expire();
    await turn();
    expect([nameOf(credentials, 'meter-7'), faults.length]).toEqual([undefined, 1]);
  });

  test('not after close', async () => {
    const credentials = await open();
    credentials.close();
    await store.enroll(newIdentity('meter-7'));
    await turn();
    expect(nameOf(credentials, 'meter-7')).toBeUndefined();
  });
});

describe('rotation', () => {
  test('both keys are good until the overlap ends, then the new one alone', async () => {
    await store.enroll(newIdentity('a'));
    const credentials = await open();
    await store.rotate('a', psk('a:2'), at(1000), at(5000));
    await turn();
    now = 4999;
    expect([nameOf(credentials, 'a'), nameOf(credentials, 'a:2')]).toEqual(['a', 'a']);
    now = 5000;
    expect([nameOf(credentials, 'a'), nameOf(credentials, 'a:2')]).toEqual([undefined, 'a']);
  });

  test('a PSK identity that is free again is given again, and a name of its own is never met', () => {
    const shown = (...names: string[]): Identity['credentials'] =>
      names.map((name) => ({ ...psk(name), id: name, created: at(0), until: undefined, sealedKey: undefined }));
    expect(nextPskIdentity('a', [])).toBe('a');
    expect(nextPskIdentity('a', shown('a'))).toBe('a:2');
    expect(nextPskIdentity('a', shown('a:2', 'a'))).toBe('a:3');
    expect(nextPskIdentity('a', shown('a:2'))).toBe('a');
  });
});

describe('the end of a credential is told, so that associations end too', () => {
  const ends = (credentials: Credentials): string[] => {
    const ended: string[] = [];
    credentials.onEnd(({ name, credentialId }) => {
      expect(credentials.byId(credentialId)).toBeUndefined();
      ended.push(name);
    });
    return ended;
  };

  test('when it is revoked', async () => {
    await store.enroll(newIdentity('a'));
    await store.enroll(newIdentity('b'));
    const credentials = await open();
    const ended = ends(credentials);
    await store.revoke('a', at(1000));
    await turn();
    expect(ended).toEqual(['a']);
  });

  test('when it is revoked, for good: a clock that is set back brings nobody back', async () => {
    await store.enroll(newIdentity('a'));
    const credentials = await open();
    const ended = ends(credentials);
    await store.revoke('a', at(1000));
    now = 500;
    await turn();
    expect([ended, nameOf(credentials, 'a'), nameOf(await open(), 'a')]).toEqual([['a'], undefined, undefined]);
  });

  test('when it has expired, once somebody looks', async () => {
    await store.enroll(newIdentity('a', { expires: at(2000) }));
    await store.enroll(newIdentity('b', { expires: at(3000) }));
    const credentials = await open();
    const ended = ends(credentials);
    now = 1999;
    credentials.expire();
    expect(ended).toEqual([]);
    now = 2000;
    credentials.expire();
    credentials.expire();
    expect(ended).toEqual(['a']);
    now = 3000;
    credentials.expire();
    expect(ended).toEqual(['a', 'b']);
  });

  test('when its overlap is over, and not when it begins', async () => {
    await store.enroll(newIdentity('a'));
    const credentials = await open();
    const ended = ends(credentials);
    const id = credentials.psk(utf8('a')).peer?.credentialId ?? '';
    await store.rotate('a', psk('a:2'), at(1000), at(5000));
    await turn();
    expect(ended).toEqual([]);
    expect(credentials.byId(id)?.validUntil).toBe(5000);
    now = 5000;
    credentials.expire();
    expect(ended).toEqual(['a']);
  });

  test('not to listeners that have left', async () => {
    await store.enroll(newIdentity('a'));
    const credentials = await open();
    const ended: string[] = [];
    credentials.onEnd(({ name }) => ended.push(name))();
    await store.revoke('a', at(1000));
    await turn();
    expect(ended).toEqual([]);
  });
});

test('an identity is found by its name, as its newest valid credential', async () => {
  await store.enroll(newIdentity('a'));
  const credentials = await open();
  const old = credentials.byName('a');
  await store.rotate('a', psk('a:2'), at(1000), at(5000));
  await turn();
  expect(credentials.byName('a')).toBe(credentials.psk(utf8('a:2')).peer);
  expect(credentials.byName('a')?.credentialId).not.toBe(old?.credentialId);
  await store.revoke('a', at(1000));
  await turn();
  expect([credentials.byName('a'), credentials.byName('b')]).toEqual([undefined, undefined]);
});

test('whether anybody may come without extended master secret follows who is valid', async () => {
  await store.enroll(newIdentity('a'));
  const credentials = await open();
  expect(credentials.allowsLegacyMasterSecret).toBe(false);
  await store.enroll(newIdentity('old', { allowLegacyMasterSecret: true, expires: at(2000) }));
  await turn();
  expect(credentials.allowsLegacyMasterSecret).toBe(true);
  now = 2000;
  credentials.expire();
  expect(credentials.allowsLegacyMasterSecret).toBe(false);
});

test('who is known is one object until it changes', async () => {
  await store.enroll(newIdentity('a'));
  const credentials = await open();
  const { peer } = credentials.psk(utf8('a'));
  expect(credentials.psk(utf8('a')).peer).toBe(peer);
  expect(credentials.byId(peer?.credentialId ?? '')).toBe(peer);
});

test.each(['', 'local', 'a b', '-a', 'a:2', 'ä', 'a'.repeat(64)])('%j is no name of an identity', (name) => {
  expect(() => checkIdentityName(name)).toThrow(expect.objectContaining({ code: 'bad-identity' }));
});

test.each(['a', 'Meter-7', '0.x_y', 'a'.repeat(63)])('%j is a name of an identity', (name) => {
  expect(() => checkIdentityName(name)).not.toThrow();
});
