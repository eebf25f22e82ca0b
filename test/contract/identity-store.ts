/** What every store of identities promises, whatever keeps it (src/devices/identity-store.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../src/core/bytes.ts';
import type { Identity } from '../../src/devices/identity.ts';
import type { IdentityStore } from '../../src/devices/identity-store.ts';
import { at, newIdentity, psk, x509 } from '../devices/samples.ts';

export interface IdentityStoreSubject {
  readonly name: string;
  /** A store with nothing in it. */
  fresh(): Promise<void>;
  /** Opens the same store once more, as another process would. */
  open(): Promise<IdentityStore>;
  /** Lets other processes' changes be noticed. */
  notice(): Promise<void>;
}

const shownBy = (identity: Identity | undefined): (string | undefined)[] =>
  (identity?.credentials ?? []).map(({ shown }) => textOf(shown));

export function identityStoreContract(subject: IdentityStoreSubject): void {
  describe(`a store of identities in ${subject.name}`, () => {
    const opened: IdentityStore[] = [];
    const open = async (): Promise<IdentityStore> => {
      const store = await subject.open();
      opened.push(store);
      return store;
    };
    beforeEach(() => subject.fresh());
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
    });

    test('gives back what was enrolled, also to another process', async () => {
      const [one, other] = [await open(), await open()];
      const given = newIdentity('meter-7', {
        groups: ['meters', 'north'],
        expires: at(5000),
        allowLegacyMasterSecret: true,
      });
      const enrolled = await one.enroll(given);
      expect(enrolled).toMatchObject({
        name: 'meter-7',
        groups: ['meters', 'north'],
        created: 1000,
        expires: 5000,
        revoked: undefined,
        allowLegacyMasterSecret: true,
        credentials: [{ kind: 'psk', shown: utf8('meter-7'), serial: undefined, created: 1000, until: undefined }],
      });
      expect(await other.find('meter-7')).toEqual(enrolled);
      expect(await other.find('meter-8')).toBeUndefined();
    });

    test('opens a key for whoever has the store, and never keeps it in the clear', async () => {
      const [one, other] = [await open(), await open()];
      const { credentials } = await one.enroll(newIdentity('meter-7', { credential: psk('meter-7', 'open sesame') }));
      const [credential] = credentials;
      if (credential === undefined) throw new Error('no credential');
      expect(textOf(other.keyOf(credential))).toBe('open sesame');
      expect(Buffer.from(credential.sealedKey ?? []).includes('open sesame')).toBe(false);
    });

    test('opens a key neither for another credential nor for another PSK identity, nor when a bit has changed', async () => {
      const store = await open();
      const [a] = (await store.enroll(newIdentity('a'))).credentials;
      const [b] = (await store.enroll(newIdentity('b'))).credentials;
      if (a === undefined || b === undefined) throw new Error('no credential');
      const flipped = Uint8Array.from(a.sealedKey ?? [], (byte, index) => (index === 13 ? byte ^ 1 : byte));
      for (const tampered of [
        { ...b, sealedKey: a.sealedKey },
        { ...a, shown: b.shown },
        { ...a, sealedKey: flipped },
        { ...a, sealedKey: undefined },
      ]) {
        expect(() => store.keyOf(tampered)).toThrow(expect.objectContaining({ code: 'sealed-secret' }));
      }
    });

    test('lists by name', async () => {
      const store = await open();
      for (const name of ['c', 'a', 'b']) await store.enroll(newIdentity(name));
      expect((await store.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    });

    test('a name is enrolled once', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      await expect(store.enroll(newIdentity('a', { credential: psk('else') }))).rejects.toMatchObject({
        code: 'identity-exists',
      });
    });

    test('a credential belongs to one identity, and a refused change leaves nothing behind', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      await expect(store.enroll(newIdentity('b', { credential: psk('a') }))).rejects.toMatchObject({
        code: 'credential-taken',
      });
      expect(await store.find('b')).toBeUndefined();
      // The same bytes of another kind are another credential.
      await store.enroll(newIdentity('c', { credential: x509(utf8('a')) }));
    });

    test('rotation adds a credential and ends the one before with the overlap', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      const rotated = await store.rotate('a', psk('a:2'), at(2000), at(3000));
      expect(rotated.credentials.map(({ until }) => until)).toEqual([undefined, 3000]);
      expect(shownBy(rotated)).toEqual(['a:2', 'a']);
    });

    test('rotation never prolongs a credential, and keys that have ended are not kept', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      await store.rotate('a', psk('a:2'), at(2000), at(3000));
      const again = await store.rotate('a', psk('a:3'), at(2500), at(9000));
      expect(again.credentials.map(({ until }) => until)).toEqual([undefined, 9000, 3000]);
      const later = await store.rotate('a', psk('a'), at(3000), at(3000));
      expect(shownBy(later)).toEqual(['a']);
    });

    test('certificates that have ended are kept: a revocation list names them', async () => {
      const store = await open();
      await store.enroll(newIdentity('a', { credential: x509(Uint8Array.of(1), '01') }));
      const rotated = await store.rotate('a', x509(Uint8Array.of(2), '02'), at(2000), at(2000));
      expect(rotated.credentials.map(({ serial }) => serial)).toEqual(['02', '01']);
    });

    test('what does not exist or has ended is not rotated', async () => {
      const store = await open();
      await expect(store.rotate('a', psk('a'), at(1), at(1))).rejects.toMatchObject({ code: 'no-such-identity' });
      await store.enroll(newIdentity('expired', { expires: at(2000) }));
      await store.enroll(newIdentity('revoked'));
      await store.revoke('revoked', at(1500));
      for (const name of ['expired', 'revoked']) {
        await expect(store.rotate(name, psk('x'), at(2000), at(2000))).rejects.toMatchObject({
          code: 'identity-ended',
        });
      }
    });

    test('revoking is final, and doing it again changes nothing', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      expect((await store.revoke('a', at(2000))).revoked).toBe(2000);
      const { revision } = await store.changes(0);
      expect((await store.revoke('a', at(3000))).revoked).toBe(2000);
      expect((await store.changes(revision)).identities).toEqual([]);
      await expect(store.revoke('b', at(2000))).rejects.toMatchObject({ code: 'no-such-identity' });
    });

    test('a revoked name can be enrolled again: its old key has ended', async () => {
      const store = await open();
      await store.enroll(newIdentity('a'));
      await store.revoke('a', at(2000));
      const again = await store.enroll(newIdentity('a', { created: at(3000), credential: psk('a', 'another') }));
      expect(again).toMatchObject({ revoked: undefined, created: 3000 });
      expect(again.credentials).toHaveLength(1);
    });

    test('tells what changed since a revision, each identity once and as it is now', async () => {
      const [one, other] = [await open(), await open()];
      const before = await other.changes(0);
      await one.enroll(newIdentity('a'));
      await one.enroll(newIdentity('b'));
      await one.revoke('a', at(2000));
      const { identities, revision } = await other.changes(before.revision);
      expect(identities.map(({ name, revoked }) => [name, revoked])).toEqual([
        ['b', undefined],
        ['a', 2000],
      ]);
      expect(await other.changes(revision)).toEqual({ identities: [], revision });
    });

    test("tells listeners of its own and of other processes' changes until they leave", async () => {
      const [one, other] = [await open(), await open()];
      const heard: string[] = [];
      const leave = one.onChange(() => heard.push('one'));
      other.onChange(() => heard.push('other'));
      await one.enroll(newIdentity('a'));
      await subject.notice();
      expect(heard.toSorted()).toEqual(['one', 'other']);
      heard.length = 0;
      leave();
      await one.revoke('a', at(2000));
      await subject.notice();
      expect(heard).toEqual(['other']);
    });
  });
}
