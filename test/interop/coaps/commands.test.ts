/** `call`, `ls`, `describe` and `ping` over coaps against the running gateway: every way to prove oneself, and what each failure says. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeOfDay } from '../../../src/core/time-of-day.ts';
import { issueDevice, issueRevocationList, issueRoot, makeKeyPair, pemOf } from '../../../src/devices/certificates.ts';
import { CertificateFiles } from '../../../src/store/certificate-files.ts';
import { RunningGateway } from './running-gateway.ts';

let gateway: RunningGateway;
/** What `enroll` printed. */
const printed: Record<string, string> = {};

beforeAll(async () => {
  gateway = await RunningGateway.start();
  printed['psk'] = await gateway.enroll('meter');
  printed['x509'] = await gateway.enroll('gate', ' --x509');
  printed['rpk'] = await gateway.enroll('lamp', ' --rpk');
});
afterAll(() => gateway.stop());

const kinds = [
  ['psk', 'meter'],
  ['x509', 'gate'],
  ['rpk', 'lamp'],
] as const;

describe.each(kinds)('with the line that enroll prints for %s', (kind, name) => {
  const line = (path: string): string => gateway.line(printed[kind] ?? '', path);

  test('call calls as who it is', async () => {
    expect(await gateway.funcoap(line('/func/who/am'))).toBe(`${name}\n`);
    expect(await gateway.funcoap(`${line('/func/sum/add')} a=1 b=2`)).toBe('3\n');
  });

  test('without a Connection ID too, and in blocks', async () => {
    expect(await gateway.funcoap(`${line('/func/who/am')} --no-cid`)).toBe(`${name}\n`);
    expect(await gateway.funcoap(`${line('/func/text/long')} lines=200`)).toHaveLength(32 * 200 + 1);
    writeFileSync(gateway.path('body'), JSON.stringify({ text: 'x'.repeat(5000) }));
    expect(await gateway.funcoap(`${line('/func/text/lengthOf')} @body`)).toBe('5000\n');
  });

  test('ls, describe and ping do', async () => {
    const flags = line('').replace(/^call \S+ /, '');
    expect(await gateway.funcoap(`ls ${gateway.uri}/func/sum ${flags}`)).toMatch(/^add +0 +pure$/m);
    expect(await gateway.funcoap(`describe ${gateway.uri}/func/sum/add ${flags}`)).toContain('/func/sum/add');
    expect(await gateway.funcoap(`ping ${gateway.uri} --count 2 ${flags}`)).toMatch(
      /^(\S+ answered in [\d.]+ ms\n){2}$/,
    );
  });
});

test('a certificate goes with a gateway known by its raw public key, and the other way', async () => {
  const own = ['--certificate gate.crt.pem --key-file gate.key.pem', '--key-file lamp.rpk.pem'];
  const known = ['--gateway-key gateway.pub.pem', '--ca root.crt.pem'];
  const call = `call ${gateway.uri}/func/who/am`;
  expect(await gateway.funcoap(`${call} ${own[0]} ${known[0]}`)).toBe('gate\n');
  expect(await gateway.funcoap(`${call} ${own[1]} ${known[1]}`)).toBe('lamp\n');
  expect(await gateway.funcoap(`${call} ${own[1]} ${known.join(' ')}`)).toBe('lamp\n');
});

test('the gateway is known by any name that its certificate has', async () => {
  const line = gateway.line(printed['x509'] ?? '', '/func/who/am').replace('127.0.0.1', 'localhost');
  expect(await gateway.funcoap(line)).toBe('gate\n');
});

describe('one sentence says what is wrong', () => {
  const failure = async (line: string): Promise<string> => {
    const { code, err } = await gateway.run(line);
    expect(code).toBe(3);
    expect(err).toMatch(/^funcoap: [^\n]*\.\n$/);
    return err;
  };
  const certified = (): string => gateway.line(printed['x509'] ?? '', '/func/who/am');

  test('a wrong key and an unknown identity, which sound the same', async () => {
    writeFileSync(gateway.path('wrong.psk'), 'nobody has this key');
    const said = await failure(`ping ${gateway.uri} --identity meter --key-file wrong.psk`);
    expect(said).toContain('does not know this identity, or the key is not the one that it has');
    expect(await failure(`ping ${gateway.uri} --identity nobody --key-file meter.psk`)).toBe(said);
  });

  test('a certificate or raw public key that is not enrolled, or not any more', async () => {
    await gateway.enroll('gone', ' --x509');
    await gateway.enroll('gone-lamp', ' --rpk');
    await gateway.funcoap('identities revoke gone');
    await gateway.funcoap('identities revoke gone-lamp');
    await delay(300);
    const gone = certified().replaceAll('gate.', 'gone.');
    expect(await failure(gone)).toContain(
      'does not take the certificate or raw public key that was shown: it is not enrolled',
    );
    const lamp = gateway.line(printed['rpk'] ?? '', '/func/who/am').replace('lamp.', 'gone-lamp.');
    expect(await failure(lamp)).toContain('it is not enrolled there, or not any more');
  });

  test('a gateway that somebody else vouches for, or that has another name or key', async () => {
    const other = await RunningGateway.start();
    try {
      writeFileSync(gateway.path('other.crt.pem'), readFileSync(other.path('data/ca/root.crt.pem')));
      const { publicKey } = new X509Certificate(readFileSync(other.path('data/ca/gateway.crt.pem')));
      writeFileSync(gateway.path('other.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    } finally {
      await other.stop();
    }
    expect(await failure(certified().replace('root.crt.pem', 'other.crt.pem'))).toContain(
      'is not believed to be who was meant: No trusted authority has issued CN=',
    );
    const pinned = gateway.line(printed['rpk'] ?? '', '/func/who/am').replace('gateway.pub', 'other.pub');
    expect(await failure(pinned)).toContain('its raw public key is not the one of --gateway-key');
  });

  test("a gateway whose certificate its authority has revoked, and a list that is not the authority's", async () => {
    const files = new CertificateFiles(gateway.path('data'));
    const { serialNumber } = new X509Certificate(files.certificate('gateway'));
    const listOf = async (by: 'root' | 'devices', serial: string): Promise<string> => {
      const issuer = { certificate: files.certificate(by), privateKey: files.privateKey(by) };
      const now = timeOfDay(Date.now());
      return pemOf('X509 CRL', await issueRevocationList(issuer, [{ serial, since: now }], now));
    };
    writeFileSync(gateway.path('other.crl.pem'), await listOf('root', '1234'));
    writeFileSync(gateway.path('root.crl.pem'), await listOf('root', serialNumber));
    writeFileSync(gateway.path('devices.crl.pem'), await listOf('devices', serialNumber));
    expect(await gateway.funcoap(`${certified()} --crl other.crl.pem`)).toBe('gate\n');
    expect(await failure(`${certified()} --crl root.crl.pem`)).toContain(
      'is not believed to be who was meant: CN=funcoap gateway was revoked.',
    );
    const refused = async (line: string): Promise<string> => (await gateway.run(line)).err;
    expect(await refused(`${certified()} --crl devices.crl.pem`)).toContain('is not signed by an authority of --ca');
    expect(await refused(`${certified()} --crl root.crt.pem`)).toContain('holds no revocation list in PEM');
    expect(
      await refused(`ping ${gateway.uri} --key-file lamp.rpk.pem --gateway-key gateway.pub.pem --crl x`),
    ).toContain('the file of the authority is missing: --ca');
  });

  test('a certificate that has expired', async () => {
    const [authority, own] = [await makeKeyPair(), await makeKeyPair()];
    const [from, until] = [timeOfDay(Date.UTC(2024, 0)), timeOfDay(Date.UTC(2025, 0))];
    const issuer = { privateKey: authority.privateKey, ...(await issueRoot(authority, from)) };
    const { certificate } = await issueDevice(issuer, own.publicKey, 'late', from, until);
    writeFileSync(gateway.path('late.crt.pem'), pemOf('CERTIFICATE', certificate));
    writeFileSync(gateway.path('late.key.pem'), own.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await gateway.enroll('late', ' --x509 --from late.crt.pem');
    const late = certified().replaceAll('gate.', 'late.');
    expect(await failure(late)).toContain('it has expired');
  });

  test('a gateway without a certificate', async () => {
    const plain = await RunningGateway.start({ authority: false });
    try {
      const line = certified().replace(gateway.uri, plain.uri);
      expect(await failure(line)).toContain('takes no cipher suite that goes with these credentials');
    } finally {
      await plain.stop();
    }
  });

  test('nobody who answers, or nobody there', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const uri = `coaps://127.0.0.1:${silent.address().port}`;
    const flags = '--identity meter --key-file meter.psk --timeout 1s';
    const said = 'did not finish the DTLS handshake in time; see that coaps is open there';
    expect(await failure(`ping ${uri} ${flags}`)).toContain(said);
    expect(await failure(`call ${uri}/clock ${flags}`)).toContain(said);
    silent.close();
    await once(silent, 'close');
    expect(await failure(`ping ${uri} ${flags}`)).toContain('nothing listens there');
  });
});

test("the gateway's new certificate is in use without a restart", async () => {
  const line = gateway.line(printed['x509'] ?? '', '/func/who/am');
  await gateway.funcoap('ca gateway --host gateway.example');
  await delay(200);
  const { err } = await gateway.run(line);
  expect(err).toContain('is not believed to be who was meant: CN=funcoap gateway is not the certificate of 127.0.0.1.');
  await gateway.funcoap('ca gateway --host 127.0.0.1');
  await delay(200);
  expect(await gateway.funcoap(line)).toBe('gate\n');
});
