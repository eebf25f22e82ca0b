import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCode } from '../../src/cli/exit-code.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { ran, type Ran } from './terminal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (line: string, more: Partial<Terminal> = {}): Promise<Ran> =>
  ran(
    line.split(' ').map((word) => word.replaceAll('_', ' ')),
    { workingFolder: folder, ...more },
  );

async function output(line: string, more: Partial<Terminal> = {}): Promise<string> {
  const { code, out, err } = await run(line, more);
  expect([code, err]).toEqual([exitCode.ok, '']);
  return out;
}

/** What differs from run to run. */
const steady = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '<time>')
    .replaceAll(/[\w-]{22}(?=["\n])/g, '<key>')
    .replaceAll(/^  node \S+\/bin\/funcoap\.js/gm, '  <funcoap>')
    .replaceAll(folder, '<folder>');

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('enroll', () => {
  test('prints what a device needs, with its key', async () => {
    const out = await output('enroll meter-7 --group meters --group north --expires 90d --host gw.example');
    expect(steady(out)).toBe(`meter-7 is enrolled with a pre-shared key, in <folder>/data.
groups  meters, north
until   <time>
What is secret below is shown this once; the store keeps no private key, and a shared one encrypted.

meter-7.psk
,meter-7,<key>

coap-client (libcoap): the key stands in a file, not among the arguments
  coap-client-openssl -m get -h meter-7.psk -u meter-7 -k in-the-file coaps://gw.example/.well-known/core

funcoap
  <funcoap> ls coaps://gw.example --identity meter-7 --key-file meter-7.psk

Zephyr 3.7 to 4.3, prj.conf and C
  CONFIG_NET_SOCKETS_SOCKOPT_TLS=y
  CONFIG_NET_SOCKETS_ENABLE_DTLS=y
  CONFIG_MBEDTLS=y
  CONFIG_MBEDTLS_TLS_VERSION_1_2=y
  CONFIG_MBEDTLS_DTLS=y
  CONFIG_MBEDTLS_SSL_EXTENDED_MASTER_SECRET=y
  CONFIG_MBEDTLS_SSL_DTLS_CONNECTION_ID=y
  CONFIG_MBEDTLS_CIPHER_AES_ENABLED=y
  CONFIG_MBEDTLS_CIPHER_CCM_ENABLED=y
  CONFIG_MBEDTLS_KEY_EXCHANGE_PSK_ENABLED=y

  static const char psk_id[] = "meter-7";
  static const char psk[] = "<key>";
  tls_credential_add(1, TLS_CREDENTIAL_PSK_ID, psk_id, sizeof(psk_id) - 1);
  tls_credential_add(1, TLS_CREDENTIAL_PSK, psk, sizeof(psk) - 1);
  int sock = zsock_socket(AF_INET6, SOCK_DGRAM, IPPROTO_DTLS_1_2); /* or AF_INET */
  const sec_tag_t tags[] = {1};
  const int cid = TLS_DTLS_CID_ENABLED;
  zsock_setsockopt(sock, SOL_TLS, TLS_SEC_TAG_LIST, tags, sizeof(tags));
  zsock_setsockopt(sock, SOL_TLS, TLS_DTLS_CID, &cid, sizeof(cid));

ESP-IDF, sdkconfig (the names of its coap_client example)
  CONFIG_MBEDTLS_SSL_PROTO_DTLS=y
  CONFIG_MBEDTLS_PSK_MODES=y
  CONFIG_MBEDTLS_KEY_EXCHANGE_PSK=y
  CONFIG_COAP_MBEDTLS_PSK=y
  CONFIG_EXAMPLE_TARGET_DOMAIN_URI="coaps://gw.example/.well-known/core"
  CONFIG_EXAMPLE_COAP_PSK_IDENTITY="meter-7"
  CONFIG_EXAMPLE_COAP_PSK_KEY="<key>"
`);
    expect(new Set(out.match(/[\w-]{22}(?=["\n])/g)).size).toBe(1);
  });

  test('gives no key twice, and keeps none in the clear', async () => {
    const one = JSON.parse(await output('enroll a --json')) as { key: string; keyHex: string };
    const other = JSON.parse(await output('enroll b --json')) as { key: string };
    expect(one.key).toMatch(/^[\w-]{22}$/);
    expect(one.keyHex).toBe(Buffer.from(one.key).toString('hex'));
    expect(other.key).not.toBe(one.key);
    for (const line of ['identities show a', 'identities show a --json', 'identities ls --json']) {
      expect(await output(line)).not.toContain(one.key);
    }
    for (const file of filesBelow(folder)) expect(readFileSync(file).includes(one.key)).toBe(false);
  });

  test('--json tells a script all of it', async () => {
    expect(JSON.parse(await output('enroll a --json --group g --expires 1d'))).toEqual({
      name: 'a',
      kind: 'psk',
      groups: ['g'],
      expires: expect.stringMatching(/^\d{4}-.*Z$/),
      pskIdentity: 'a',
      key: expect.any(String),
      keyHex: expect.any(String),
    });
  });

  test('takes a key from the input or a file, without its line end, and does not show it', async () => {
    const readInput = (): Promise<Uint8Array> => Promise.resolve(utf8('a key of the device itself\r\n'));
    const out = await output('enroll a --from -', { readInput });
    expect(out).not.toContain('a key of');
    expect(out).toContain("(umask 077; echo ',a,KEY' > a.psk)");
    writeFileSync(join(folder, 'key'), 'too short\n');
    expect(await run('enroll b --from key')).toMatchObject({
      code: exitCode.usage,
      err: expect.stringContaining('A pre-shared key has 16 to 64 bytes, this one 9'),
    });
    expect((await run('enroll b --from none')).err).toContain('The file none cannot be read: there is no such file.');
    expect((await run('identities show b')).err).toContain('No identity is called b');
  });

  test('--out writes files for their owner alone instead of printing secrets', async () => {
    const out = await output('enroll a --out device --host gw.example');
    expect(steady(out)).toContain('written <folder>/device/a.psk\n');
    expect(out).toContain('-h device/a.psk -u a');
    const path = join(folder, 'device', 'a.psk');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [, key = ''] = /^,a,([\w-]{22})\n$/.exec(readFileSync(path, 'utf8')) ?? [];
    expect(out).not.toContain(key);
    for (const other of ['a.zephyr.txt', 'a.sdkconfig']) {
      expect(readFileSync(join(folder, 'device', other), 'utf8')).toContain(`"${key}"`);
      expect(statSync(join(folder, 'device', other)).mode & 0o777).toBe(0o600);
    }
  });

  test('--out replaces a file that others can read, or a link, and writes no key into it', async () => {
    const old = join(folder, 'old');
    writeFileSync(old, 'theirs', { mode: 0o666 });
    symlinkSync(old, join(folder, 'a.psk'));
    await output('enroll a --out .');
    expect(readFileSync(old, 'utf8')).toBe('theirs');
    expect(lstatSync(join(folder, 'a.psk')).mode).toBe(0o100600);
  });

  test('a folder that a shell would take for two words is quoted in what is printed to paste', async () => {
    expect(await output("enroll a --out o'n_e --host gw")).toContain(`-h 'o'\\''n e/a.psk' -u a`);
  });

  test('the port of coaps stands in the addresses, where it is another one', async () => {
    writeFileSync(join(folder, 'funcoap.config.json'), '{"coaps":{"port":7684}}');
    expect(await output('enroll a --host gw.example')).toContain('coaps://gw.example:7684/.well-known/core');
    expect(await output('enroll b --host [::1]')).toContain('coaps://[::1]:7684/.well-known/core');
  });

  test.each(['gw.example:5684', 'a/b', '[a]', 'fe80::1%eth0', 'coaps://gw', 'a_b', ' '])(
    '--host %j is refused before anything is stored',
    async (host) => {
      for (const line of ['enroll a', 'ca init']) {
        const { code, err } = await ran([...line.split(' '), '--host', host.replace('_', ' ')], {
          workingFolder: folder,
        });
        expect([code, err]).toEqual([exitCode.usage, expect.stringContaining('must be a name or an address')]);
      }
      expect(existsSync(join(folder, 'data'))).toBe(false);
    },
  );

  test.each(['enroll b --expires 0s', 'enroll b --expires 100000000d', 'identities rotate a --overlap 100000000000d'])(
    '%s is refused: nobody gets what has ended, or ends when no calendar says',
    async (line) => {
      await output('enroll a');
      const { code, err } = await run(line);
      expect([code, err]).toEqual([exitCode.usage, expect.stringMatching(/must be a duration .* to 36500d/)]);
      expect(JSON.parse(await output('identities ls --json'))).toMatchObject([{ name: 'a', expires: null }]);
    },
  );

  test('a folder that cannot be written is told before anything is stored', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { code, err } = await run('enroll a --out file/device');
    expect([code, err]).toEqual([exitCode.usage, expect.stringContaining('cannot be written to')]);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  test('a QR code is for terminals', async () => {
    expect(await output('enroll a', { isOutTerminal: true })).toMatch(/107m +█▀▀▀▀▀█/);
    expect(await output('enroll b')).not.toContain('\u001b');
    expect(await output('enroll c --out device', { isOutTerminal: true })).not.toContain('\u001b');
  });

  test.each<[string, string]>([
    ['enroll local', 'local is who calls without an identity'],
    ['enroll -- -a', 'cannot be the name of an identity'],
    ['enroll a --group _', 'cannot be the name of a group'],
    ['enroll a --expires soon', '--expires is "soon", but must be a duration'],
    ['enroll a --psk --x509', 'cannot be used with'],
    ['enroll a --x509', 'devices.crt.pem; `funcoap ca init` makes the certificates.'],
    ['enroll a --rpk --from key', 'The public key cannot be taken: it is not a public key in PEM.'],
    ['enroll a --x509 --from key', 'The certificate request (PKCS #10) cannot be taken'],
  ])('%s is refused', async (line, sentence) => {
    writeFileSync(join(folder, 'key'), 'no key at all');
    const { code, err, out } = await run(line);
    expect([code, out]).toEqual([exitCode.usage, '']);
    expect(err).toContain(sentence);
  });

  test('a name is given once', async () => {
    await output('enroll a');
    expect(await run('enroll a --json')).toMatchObject({
      code: exitCode.usage,
      err: expect.stringContaining('"error":"identity-exists"'),
    });
  });
});

describe('identities', () => {
  test('are listed and shown without their keys', async () => {
    await output('enroll meter-7 --group meters --expires 90d');
    await output('enroll lamp --rpk --allow-legacy-master-secret');
    await output('identities revoke lamp');
    expect(steady(await output('identities ls'))).toBe(`identity  kind  state    until                 groups
lamp      rpk   revoked
meter-7   psk   valid    <time>  meters
`);
    expect(steady(await output('identities show meter-7'))).toBe(`meter-7
state    valid
groups   meters
created  <time>
until    <time>

credential  state  until                 shown
psk         valid  <time>  meter-7
`);
    expect(JSON.parse(await output('identities show lamp --json'))).toEqual({
      name: 'lamp',
      state: 'revoked',
      groups: [],
      created: expect.any(String),
      expires: null,
      revoked: expect.any(String),
      allowLegacyMasterSecret: true,
      credentials: [
        {
          kind: 'rpk',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          created: expect.any(String),
          until: expect.any(String),
          valid: false,
        },
      ],
    });
  });

  test('are rotated: the old key stays valid for the overlap', async () => {
    await output('enroll meter-7');
    const out = await output('identities rotate meter-7 --overlap 2h --host gw.example');
    expect(steady(out)).toMatch(/^meter-7 has new keys; the old ones end at <time>\.\n/);
    expect(out).toContain('-u meter-7:2 ');
    expect(steady(await output('identities show meter-7')))
      .toContain(`psk         valid                        meter-7:2
psk         valid  <time>  meter-7
`);
    expect(await output('identities rotate meter-7 --overlap 0s')).toContain('the old ones have ended.');
    const { credentials } = JSON.parse(await output('identities show meter-7 --json')) as { credentials: unknown[] };
    expect(credentials).toMatchObject([{ pskIdentity: 'meter-7:3', valid: true }]);
  });

  test('that are revoked can be enrolled anew, and not rotated', async () => {
    await output('enroll a');
    expect(await output('identities revoke a')).toBe('a is revoked: it cannot connect any more.\n');
    expect((await run('identities rotate a')).err).toContain('a is revoked or has expired; enroll a new identity.');
    await output('enroll a');
    expect(await output('identities ls')).toContain('valid');
  });

  test.each(['ls', 'show a', 'revoke a', 'rotate a'])(
    '%s in a folder without any says so, and makes nothing',
    async (line) => {
      const { code, err } = await run(`identities ${line}`);
      expect(code).toBe(exitCode.usage);
      expect(err).toContain(`There are no identities in ${join(folder, 'data')}; `);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('are in the data folder that flag or configuration name', async () => {
    await output('enroll a --data elsewhere');
    expect(existsSync(join(folder, 'elsewhere', 'identities.db'))).toBe(true);
    writeFileSync(join(folder, 'funcoap.config.json'), JSON.stringify({ data: { folder: 'elsewhere' } }));
    expect(await output('identities ls')).toContain('a ');
  });
});

describe('certificates', () => {
  const openssl = ((): boolean => {
    try {
      execFileSync('openssl', ['version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();
  const ssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const verified = (certificate: string, ...more: string[]): string =>
    ssl('verify', '-x509_strict', '-CAfile', 'data/ca/root.crt.pem', ...more, certificate);

  test('ca init makes keys that others can neither read nor open', async () => {
    expect(steady(await output('ca init --host gw.example')))
      .toBe(`Root, device CA and the gateway's certificate are in <folder>/data/ca.
  <folder>/data/ca/root.crt.pem  devices trust it
  <folder>/data/ca/devices.crt.pem  signs devices: funcoap enroll NAME --x509
  <folder>/data/ca/gateway.crt.pem  for gw.example
Keep <folder>/data/ca/root.key.pem elsewhere and remove it here: only \`funcoap ca gateway\` needs it.
`);
    for (const name of ['root', 'devices', 'gateway']) {
      const path = join(folder, 'data', 'ca', `${name}.key.pem`);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    }
    expect((await run('ca init')).err).toContain('is there already, and devices trust it');
  });

  test('a root whose key was taken away issues nothing, and says why', async () => {
    await output('ca init --host gw.example');
    rmSync(join(folder, 'data', 'ca', 'root.key.pem'));
    expect((await run('ca gateway --host other.example')).err).toContain('bring it back for this command');
    await output('enroll gate --x509');
  });

  test('openssl verifies what was issued, for its purpose and no other', async ({ skip }) => {
    skip(!openssl, 'needs openssl (Debian: openssl)');
    await output('ca init --host gw.example --host 192.0.2.7 --host 2001:db8::7');
    await output('enroll gate --x509 --out gate --expires 90d');
    const chain = ['-untrusted', 'data/ca/devices.crt.pem'];
    expect(verified('data/ca/devices.crt.pem')).toContain('OK');
    expect(verified('gate/gate.crt.pem', ...chain, '-purpose', 'sslclient')).toContain('OK');
    expect(() => verified('gate/gate.crt.pem', ...chain, '-purpose', 'sslserver')).toThrow(
      /unsuitable certificate purpose/i,
    );
    for (const name of [
      ['-verify_hostname', 'gw.example'],
      ['-verify_ip', '192.0.2.7'],
      ['-verify_ip', '2001:db8::7'],
    ]) {
      expect(verified('data/ca/gateway.crt.pem', '-purpose', 'sslserver', ...name)).toContain('OK');
    }
    const end = new Date(ssl('x509', '-in', 'gate/gate.crt.pem', '-noout', '-enddate').replace('notAfter=', ''));
    expect(Math.round((end.getTime() - Date.now()) / 86_400_000)).toBe(90);
    // The keys belong to the certificates, and the key file opens them.
    expect(ssl('pkey', '-in', 'gate/gate.key.pem', '-pubout')).toBe(
      ssl('x509', '-in', 'gate/gate.crt.pem', '-noout', '-pubkey'),
    );
    expect(ssl('pkey', '-in', 'data/ca/root.key.pem', '-passin', 'file:data/store.key', '-pubout')).toBe(
      ssl('x509', '-in', 'data/ca/root.crt.pem', '-noout', '-pubkey'),
    );
    await output('ca gateway --host other.example');
    expect(verified('data/ca/gateway.crt.pem', '-verify_hostname', 'other.example')).toContain('OK');
  });

  test('what is revoked or replaced is on the list that openssl checks', async ({ skip }) => {
    skip(!openssl, 'needs openssl (Debian: openssl)');
    await output('ca init --host gw.example');
    const check = ['-untrusted', 'data/ca/devices.crt.pem', '-crl_check', '-CRLfile', 'data/ca/devices.crl.pem'];
    for (const name of ['gate', 'door']) await output(`enroll ${name} --x509 --out ${name}`);
    await output('enroll meter-7');
    expect(verified('gate/gate.crt.pem', ...check)).toContain('OK');
    expect(steady(await output('identities revoke gate'))).toContain('written <folder>/data/ca/devices.crl.pem');
    expect(await output('identities revoke meter-7')).not.toContain('written');
    expect(() => verified('gate/gate.crt.pem', ...check)).toThrow(/certificate revoked/);
    expect(verified('door/door.crt.pem', ...check)).toContain('OK');
    await output('identities rotate door --overlap 0s --out new');
    expect(() => verified('door/door.crt.pem', ...check)).toThrow(/certificate revoked/);
    expect(verified('new/door.crt.pem', ...check)).toContain('OK');
  });

  test("a device's own request is signed, and its private key stays with it", async ({ skip }) => {
    skip(!openssl, 'needs openssl (Debian: openssl)');
    await output('ca init --host gw.example');
    ssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'own.key');
    ssl('req', '-new', '-key', 'own.key', '-subj', '/CN=whatever', '-out', 'own.csr');
    const { privateKey, certificate } = JSON.parse(await output('enroll gate --x509 --from own.csr --json')) as Record<
      string,
      string
    >;
    expect(privateKey).toBeUndefined();
    writeFileSync(join(folder, 'own.crt'), certificate ?? '');
    expect(ssl('x509', '-in', 'own.crt', '-noout', '-subject')).toMatch(/CN ?= ?gate/);
    expect(ssl('x509', '-in', 'own.crt', '-noout', '-pubkey')).toBe(ssl('pkey', '-in', 'own.key', '-pubout'));
    expect(verified('own.crt', '-untrusted', 'data/ca/devices.crt.pem')).toContain('OK');
    ssl('ecparam', '-name', 'secp384r1', '-genkey', '-noout', '-out', 'other.key');
    ssl('req', '-new', '-key', 'other.key', '-subj', '/CN=x', '-out', 'other.csr');
    expect((await run('enroll b --x509 --from other.csr')).err).toContain('its key is not on the curve P-256');
    // A request whose last byte, in the signature, is another one.
    const der = Buffer.from(readFileSync(join(folder, 'own.csr'), 'utf8').replace(/-----.*-----/g, ''), 'base64');
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    writeFileSync(join(folder, 'forged.csr'), forged);
    expect((await run('enroll b --x509 --from forged.csr')).err).toContain('its signature is not right');
  });

  test('a certificate that the gateway would not take is not enrolled, and that is said', async ({ skip }) => {
    skip(!openssl, 'needs openssl (Debian: openssl)');
    ssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'web.key');
    const made = (name: string, use: string): unknown =>
      ssl('req', '-x509', '-new', '-key', 'web.key', '-subj', `/CN=${name}`, '-out', `${name}.crt`, '-addext', use);
    made('web', 'extendedKeyUsage=serverAuth');
    made('cipher', 'keyUsage=keyAgreement');
    made('odd', '1.2.3.4=critical,ASN1:NULL');
    const said = async (name: string): Promise<string> => (await run(`enroll ${name} --x509 --from ${name}.crt`)).err;
    expect(await said('web')).toContain('The certificate cannot be taken: CN=web is not meant for a client.');
    expect(await said('cipher')).toContain('The key of CN=cipher is not meant to sign');
    expect(await said('odd')).toContain('a critical extension that is not understood: 1.2.3.4');
    expect(await output('identities ls')).not.toContain('web');
  });

  test('a certificate of another authority and a public key are taken as they are', async ({ skip }) => {
    skip(!openssl, 'needs openssl (Debian: openssl)');
    ssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'own.key');
    ssl('req', '-x509', '-new', '-key', 'own.key', '-subj', '/CN=foreign', '-out', 'foreign.crt');
    ssl('pkey', '-in', 'own.key', '-pubout', '-out', 'own.pub');
    const fingerprint = ssl('x509', '-in', 'foreign.crt', '-noout', '-fingerprint', '-sha256')
      .replace(/^.*=/s, '')
      .replaceAll(':', '')
      .trim()
      .toLowerCase();
    expect(await output('enroll gate --x509 --from foreign.crt')).toContain(
      "# gate.key.pem is the device's own private key",
    );
    expect(await output('identities show gate')).toContain(`SHA-256 ${fingerprint}`);
    // Nobody looks for a file that was not printed.
    const own = "is the device's own private key";
    expect(await output('enroll lamp --rpk --from own.pub')).toContain(`  # lamp.rpk.pem ${own} (PEM, EC PRIVATE KEY)`);
    expect(await output('enroll hall --rpk')).not.toContain(own);
    expect((await run('enroll lamp2 --rpk --from own.pub')).err).toContain('belongs to an identity already');
    expect((await run('enroll lamp3 --rpk --from own.key')).err).toContain(
      'it is a private key, which stays with the device',
    );
  });
});
