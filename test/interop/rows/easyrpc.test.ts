/** What users of easyrpc can do, the rows that take a gateway with identities. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type ConnectOptions, type RemoteFunction } from '../../../src/index.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { RunningGateway } from '../coaps/running-gateway.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start({ authority: false, access: [{ group: 'staff', functions: ['who/*'] }] });
  await gateway.enroll('meter', ' --group staff');
});
afterAll(async () => gateway.stop());

const withKey = (key: string): ConnectOptions => ({
  credentials: { preSharedKey: { identity: utf8('meter'), key: utf8(key) } },
});

interface Libraries {
  readonly who: { readonly am: RemoteFunction };
  readonly sum: { readonly add: RemoteFunction };
}

test('W8: who has the secret comes in, encrypted, and only where a rule lets them', async () => {
  await using gw = await connect<Libraries>(gateway.uri, withKey(gateway.keyOf('meter')));
  expect(await gw.who.am()).toBe('meter');
  expect(Object.keys(gw)).toEqual(['who']);
  await expect(gw.sum.add(1, 2)).rejects.toMatchObject({ code: 'no-such-library' });
});

test('W8: a wrong secret is told in a sentence', async () => {
  await expect(connect(gateway.uri, withKey('not the secret'))).rejects.toMatchObject({
    code: 'request-handshake',
    message: expect.stringContaining('does not know this identity, or the key is not the one that it has'),
  });
});
