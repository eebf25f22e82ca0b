/** What nobody else may learn, and that a gateway that logs as much as it can, and the commands' arguments, tell none of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningGateway } from './running-gateway.ts';

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await RunningGateway.start({ settings: ['log.level=debug', 'http.listen=127.0.0.1', 'http.port=0'] });
});
afterAll(() => gateway.stop());

test('no key and no token stands in the log at its most talkative, whether it is good or not', async () => {
  await gateway.enroll('meter');
  await gateway.enroll('gate', ' --x509');
  const call = `call ${gateway.uri}/func/who/am`;
  expect(await gateway.funcoap(`${call} --identity meter --key-file meter.psk`)).toBe('meter\n');
  expect(await gateway.funcoap(`${call} --certificate gate.crt.pem --key-file gate.key.pem --ca root.crt.pem`)).toBe(
    'gate\n',
  );
  const wrong = 'a key that nobody has';
  writeFileSync(gateway.path('wrong.psk'), wrong);
  expect((await gateway.run(`ping ${gateway.uri} --identity meter --key-file wrong.psk`)).code).toBe(3);
  const token = (await gateway.funcoap('token meter')).trim();
  const [http = ''] = gateway.process.httpUrls;
  const am = async (authorization: string): Promise<number> =>
    (await fetch(`${http}/func/who/am`, { headers: { authorization } })).status;
  expect([await am(`Bearer ${token}`), await am(`Bearer ${token}x`)]).toEqual([200, 401]);
  await gateway.funcoap('identities rotate meter --out . --host 127.0.0.1');
  await gateway.funcoap('identities revoke gate');

  const log = gateway.process.errors;
  // It is on, and says who was there.
  expect(log).toContain('"level":"debug"');
  expect(log).toContain('meter');
  const pem = readFileSync(gateway.path('gate.key.pem'), 'utf8').replaceAll(/-----[^-]+-----|\s/g, '');
  const secrets = [
    wrong,
    gateway.keyOf('meter'),
    readFileSync(gateway.path('data/store.key'), 'utf8').trim(),
    pem.slice(0, 64),
    ...token.split('.').slice(1),
  ];
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(16);
    for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const)
      expect(log).not.toContain(Buffer.from(secret).toString(form).replace(/=+$/, ''));
  }
});
