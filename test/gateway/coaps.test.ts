/** coaps against the real process: who comes in, as whom, to do what, and for how long. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { validatePath } from '../../src/dtls/certificate-path.ts';
import type { ClientCredentials } from '../../src/dtls/credentials.ts';
import { nodeCrypto, signingKey } from '../../src/dtls/crypto.ts';
import { parseLinkFormat } from '../../src/directory/link-format.ts';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.ts';
import { patience } from '../patience.ts';

const rules = [
  { identity: 'local', functions: ['who/*'] },
  { group: 'meters', functions: ['who/*', 'sum/add'], resources: ['clock'] },
  { group: 'ticking', functions: ['tick/*'], resources: [] },
];
const libraries = {
  'tick/index.ts': `import { appendFileSync } from 'node:fs';
    /** @safe */ export function* tack(): Generator<number> {
      for (let count = 0; ; count++) { appendFileSync('$MARKS', '.'); yield count; }
    }`,
  'who/index.ts': `import { context } from 'funcoap/library';
    /** @safe */ export function am(): string { return context().identity; }
    /** @safe */ export function within(): readonly string[] { return context().groups; }
    /** @pure @maxAge 60 */ export function secret(): string { return context().identity; }`,
  'sum/index.ts': `/** @pure */ export function add(a: number, b: number): number { return a + b; }
    /** @pure */ export function sub(a: number, b: number): number { return a - b; }`,
};

let folder: string;
const clients: CoapClient[] = [];

async function funcoap(line: string): Promise<string> {
  const { code, out, err } = await ran(line.split(' '), { workingFolder: folder });
  expect([code, err]).toEqual([0, '']);
  return out;
}

interface Enrolled {
  readonly pskIdentity: string;
  readonly key: string;
}
/** Known to the gateway, which looks ten times a second. */
async function enroll(name: string, more = ''): Promise<Enrolled> {
  const enrolled = JSON.parse(await funcoap(`enroll ${name} --json${more}`)) as Enrolled;
  await known(await clientOf(withKey(enrolled)));
  return enrolled;
}

const known = (client: CoapClient): Promise<unknown> =>
  vi.waitFor(() => client.ping(base), { timeout: 5000, interval: 50 });

const withKey = ({ pskIdentity, key }: Enrolled): ClientCredentials => ({
  preSharedKey: { identity: utf8(pskIdentity), key: utf8(key) },
});

async function clientOf(credentials: ClientCredentials | undefined): Promise<CoapClient> {
  const client = await openCoapClient({ credentials });
  clients.push(client);
  return client;
}

/** Of one identity. */
const maxSessions = 16;

const startGateway = (
  settings: readonly string[] = [],
  more: Partial<GatewayProcessOptions> = {},
): Promise<GatewayProcess> =>
  GatewayProcess.start({
    libraries,
    settings: [
      `data.folder=${join(folder, 'data')}`,
      'coaps.listen=127.0.0.1',
      'coaps.port=0',
      `coaps.sessionsPerIdentity=${maxSessions}`,
      `access=${JSON.stringify(rules)}`,
      'metrics.enabled=true',
      'metrics.port=0',
      ...settings,
    ],
    ...more,
  });

/** Who is enrolled, for a gateway beside the other: a folder belongs to one. */
function copyOfData(name: string): string {
  const copy = join(folder, name);
  cpSync(join(folder, 'data'), copy, { recursive: true, filter: (path) => !path.endsWith('associations') });
  return copy;
}

let gateway: GatewayProcess;
let meter: Enrolled;
let base: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coaps-'));
  await funcoap('ca init --host 127.0.0.1');
  gateway = await startGateway();
  base = gateway.securedUri ?? '';
  meter = await enroll('meter-7', ' --group meters');
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

async function figure(name: string): Promise<number> {
  const page = await (await fetch(`${gateway.metricsUrl}`)).text();
  return Number(new RegExp(`^funcoap_${name} (\\d+)$`, 'm').exec(page)?.[1]);
}

const get = (client: CoapClient, path: string): Promise<CoapResponse> =>
  client.request({ uri: `${base}${path}`, method: 'GET' });
const valueOf = async (client: CoapClient, path: string): Promise<unknown> => {
  const answer = await get(client, path);
  return decodeCbor(answer.payload);
};

describe('who is enrolled', () => {
  test('calls, and the function sees its name and its groups', async () => {
    const client = await clientOf(withKey(meter));
    expect(await valueOf(client, '/func/who/within')).toEqual(['meters']);
    const two = await clientOf(withKey(await enroll('meter-9', ' --group meters --group hall')));
    expect(await valueOf(two, '/func/who/within')).toEqual(['meters', 'hall']);
    const plain = await clientOf(undefined);
    const answer = await plain.request({ uri: `${gateway.uri}/func/who/within`, method: 'GET' });
    expect(decodeCbor(answer.payload)).toEqual([]);
    expect(await valueOf(client, '/func/who/am')).toBe('meter-7');
    expect(await valueOf(client, '/func/sum/add?a=1&b=2')).toBe(3);
  });

  test('is no other caller to a cached result', async () => {
    const other = await clientOf(withKey(await enroll('meter-8', ' --group meters')));
    expect(await valueOf(await clientOf(withKey(meter)), '/func/who/secret')).toBe('meter-7');
    expect(await valueOf(other, '/func/who/secret')).toBe('meter-8');
    const plain = await clientOf(undefined);
    const answer = await plain.request({ uri: `${gateway.uri}/func/who/secret`, method: 'GET' });
    expect(decodeCbor(answer.payload)).toBe('local');
  });

  test('may do what its rules allow, and gets 4.03 for the rest, from the cache too', async () => {
    const client = await clientOf(withKey(meter));
    const stranger = await clientOf(withKey(await enroll('lamp')));
    expect(dotted((await get(client, '/func/sum/add?a=3&b=4')).code)).toBe('2.05');
    expect(dotted((await get(client, '/func/sum/add?a=3&b=4')).code)).toBe('2.05');
    expect(dotted((await get(stranger, '/func/sum/add?a=3&b=4')).code)).toBe('4.03');
    expect(dotted((await get(client, '/func/sum/sub?a=3&b=4')).code)).toBe('4.03');
    expect(dotted((await get(stranger, '/clock')).code)).toBe('4.03');
    expect(dotted((await get(client, '/clock')).code)).toBe('2.05');
  });

  test('sees what it may call, and nobody sees more', async () => {
    const seen = async (client: CoapClient, uri: string): Promise<string[]> => {
      const { payload } = await client.request({ uri: `${uri}/.well-known/core?rt=func`, method: 'GET', accept: 40 });
      return parseLinkFormat(Buffer.from(payload).toString()).map(({ target }) => target);
    };
    const who = ['/func/who/am', '/func/who/within', '/func/who/secret'];
    expect(await seen(await clientOf(withKey(meter)), base)).toEqual(['/func/sum/add', ...who]);
    expect(await seen(await clientOf(undefined), gateway.uri)).toEqual(who);
    expect(await seen(await clientOf(withKey(await enroll('nothing'))), base)).toEqual([]);
  });

  test('comes in while the gateway runs, without a restart', async () => {
    const client = await clientOf(withKey(await enroll('late', ' --group meters')));
    expect(await valueOf(client, '/func/who/am')).toBe('late');
  });

  test('does not have the jobs of who had its name before', async () => {
    const client = await clientOf(withKey(await enroll('twice', ' --group meters')));
    const job = { uri: `${base}/func/who/am?_job`, method: 'POST' } as const;
    expect(dotted((await client.request(job)).code)).toBe('2.01');
    expect(await valueOf(client, '/j')).toHaveLength(1);
    await funcoap('identities revoke twice');
    const since = await clientOf(withKey(await enroll('twice', ' --group meters')));
    expect(await valueOf(since, '/j')).toEqual([]);
  });

  test('comes in with a certificate, and knows the gateway by the root', async () => {
    const made = JSON.parse(await funcoap('enroll gate --x509 --group meters --json')) as Record<string, string>;
    const der = (pem = ''): Uint8Array => new Uint8Array(new X509Certificate(pem).raw);
    const root = nodeCrypto.parseCertificate(der(made['root']));
    const client = await clientOf({
      certificate: {
        type: 'x509',
        payload: [der(made['certificate'])],
        signingKey: signingKey(made['privateKey'] ?? ''),
      },
      serverCertificates: {
        types: ['x509'],
        verify: ({ payload }) => {
          const result = validatePath(payload, {
            crypto: nodeCrypto,
            anchors: root === undefined ? [] : [root],
            revocationLists: [],
            usage: 'server',
            nowMs: Date.now(),
            host: '127.0.0.1',
          });
          return result.accepted ? { accepted: true, name: '' } : result;
        },
      },
    });
    await known(client);
    expect(await valueOf(client, '/func/who/am')).toBe('gate');
    await funcoap('identities revoke gate');
    await vi.waitFor(
      () => expect(get(client, '/func/who/am')).rejects.toMatchObject({ code: 'request-credential-refused' }),
      patience,
    );
  });
});

describe('who is not', () => {
  test('is refused with a wrong key as with an unknown identity', async () => {
    const refusal = async (pskIdentity: string): Promise<unknown> => {
      const client = await clientOf(withKey({ pskIdentity, key: 'nobody has this key' }));
      return await get(client, '/func/who/am').catch((error: unknown) => error);
    };
    const [wrong, unknown] = [await refusal(meter.pskIdentity), await refusal('nobody')];
    expect(wrong).toMatchObject({ code: 'request-handshake' });
    expect(wrong).toEqual(unknown);
  });

  test('is not heard in the clear', async () => {
    const client = await clientOf(undefined);
    const uri = `${base.replace('coaps:', 'coap:')}/func/who/am`;
    await expect(client.request({ uri, method: 'GET', timeout: 1500 as never })).rejects.toMatchObject({
      code: 'request-timeout',
    });
  });

  test('is told by our client what it takes, before anything is sent', async () => {
    await expect(get(await clientOf(undefined), '/clock')).rejects.toMatchObject({ code: 'no-credentials' });
  });
});

describe('an association ends', () => {
  /** Until its observation of the clock fails, with what. */
  async function observed(client: CoapClient, then: () => Promise<unknown>): Promise<unknown> {
    let began = false;
    try {
      for await (const { code } of client.observe({ uri: `${base}/clock`, method: 'GET' })) {
        expect(dotted(code)).toBe('2.05');
        if (!began) await then();
        began = true;
      }
    } catch (error) {
      return error;
    }
    return undefined;
  }
  const ended = { code: 'request-association-closed' };

  test('at once when its identity is revoked, which is then unknown', async () => {
    const client = await clientOf(withKey(await enroll('gone', ' --group meters')));
    expect(await observed(client, () => funcoap('identities revoke gone'))).toMatchObject(ended);
    await expect(get(client, '/clock')).rejects.toMatchObject({ code: 'request-handshake' });
  });

  test('with all that it observes: nothing is told and nothing is run any more, and what it held is free', async () => {
    const client = await clientOf(withKey(await enroll('listener', ' --group meters --group ticking')));
    const clock = observed(client, () => Promise.resolve());
    let items = 0;
    const ticks = (async (): Promise<unknown> => {
      try {
        for await (const { code } of client.observe({ uri: `${base}/func/tick/tack`, method: 'GET' })) {
          expect(dotted(code)).toBe('2.05');
          items++;
        }
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    await vi.waitFor(() => expect(items).toBeGreaterThan(10), { timeout: 5000 });
    await vi.waitFor(async () => expect(await figure('engine_observations')).toBe(2), patience);
    await funcoap('identities revoke listener');
    // It is so when the command returns.
    expect(await figure('engine_observations')).toBe(0);
    expect(await clock).toMatchObject(ended);
    expect(await ticks).toMatchObject(ended);
    const before = gateway.marks;
    await expect(get(client, '/clock')).rejects.toMatchObject({ code: 'request-handshake' });
    // What ran when it was revoked may have ended since.
    expect(gateway.marks).toBeLessThanOrEqual(before + 1);
  });

  test("when its identity has more than it may have: the oldest, and nobody else's", async () => {
    const own = await enroll('many', ' --group meters');
    const [oldest, other] = [await clientOf(withKey(own)), await clientOf(withKey(meter))];
    await known(other);
    const more = async (): Promise<void> => {
      for (let begun = 1; begun <= maxSessions; begun++) await known(await clientOf(withKey(own)));
    };
    expect(await observed(oldest, more)).toMatchObject(ended);
    expect(await valueOf(other, '/func/who/am')).toBe('meter-7');
  });

  test('when its identity expires', async () => {
    const client = await clientOf(withKey(await enroll('brief', ' --group meters --expires 3s')));
    expect(await observed(client, () => Promise.resolve())).toMatchObject(ended);
  });

  test('when its key is rotated without an overlap; the new key is good', async () => {
    const client = await clientOf(withKey(await enroll('turned', ' --group meters')));
    let now: Enrolled | undefined;
    const rotate = async (): Promise<void> => {
      now = JSON.parse(await funcoap('identities rotate turned --overlap 0s --json')) as Enrolled;
    };
    expect(await observed(client, rotate)).toMatchObject(ended);
    const again = await clientOf(now && withKey(now));
    await known(again);
    expect(await valueOf(again, '/func/who/am')).toBe('turned');
  });
});

test('the metrics count associations, and what came to nothing', async () => {
  expect(await figure('dtls_associations')).toBeGreaterThan(0);
  expect(await figure('dtls_failed_total')).toBeGreaterThanOrEqual(2);
  expect(await figure('dtls_ended_total')).toBeGreaterThanOrEqual(3);
});

test('the command line calls with the file that enroll wrote, and says it without a key among the arguments', async () => {
  await funcoap('enroll tool --group meters --out .');
  const [, pskIdentity = '', key = ''] = readFileSync(join(folder, 'tool.psk'), 'utf8').trim().split(',');
  await known(await clientOf(withKey({ pskIdentity, key })));
  const line = `call ${base}/func/who/am --identity tool --key-file tool.psk`;
  expect(await funcoap(line)).toBe('tool\n');
  const file = readFileSync(join(folder, 'tool.psk'));
  const input = await ran(`ping ${base} --identity tool --key-file -`.split(' '), {
    workingFolder: folder,
    readInput: () => Promise.resolve(new Uint8Array(file)),
  });
  expect(input).toMatchObject({ code: 0, out: expect.stringContaining('answered in') });
  for (const command of [`ls ${base}/func/sum`, `describe ${base}/func/sum/add`])
    expect(await funcoap(`${command} --identity tool --key-file tool.psk`)).toContain('add');
});

test.each([
  ['ping coaps://127.0.0.1 --identity tool', '--identity and --key-file belong together'],
  ['ping coap://127.0.0.1 --identity tool --key-file tool.psk', 'is not protected; use coaps://.'],
  ['ping coap://127.0.0.1 --certificate a --key-file b --ca c', '--certificate is for coaps://'],
  ['ping coaps://127.0.0.1 --certificate a --ca c', '--certificate and --key-file belong together'],
  [
    'ping coaps://127.0.0.1 --identity a --key-file b --ca c',
    '--identity is of a pre-shared key, and --ca of certificates',
  ],
  ['ping coaps://127.0.0.1 --certificate a --key-file b', 'the gateway has to be known: --ca names'],
  ['ping coaps://127.0.0.1 --key-file ca.json --ca c', 'The file ca.json cannot be read'],
  ['ping coaps://127.0.0.1 --key-file data/ca/root.crt.pem --ca c', 'holds no private key of the curve P-256'],
  ['ping coaps://127.0.0.1', 'nothing was given to prove oneself with'],
])('%s is refused', async (line, reason) => {
  const { code, err } = await ran(line.split(' '), { workingFolder: folder });
  expect([code, err]).toEqual([2, expect.stringContaining(reason)]);
});

test('several processes are one gateway over coaps too', async () => {
  const several = await startGateway(['processes=2', `data.folder=${copyOfData('several')}`]);
  try {
    for (let count = 0; count < 4; count++) {
      const client = await clientOf(withKey(meter));
      const answer = await client.request({ uri: `${several.securedUri}/func/who/am`, method: 'GET' });
      expect(decodeCbor(answer.payload)).toBe('meter-7');
    }
  } finally {
    await several.stop();
  }
});

test('a second gateway on the same data folder is refused, in one sentence', async () => {
  await expect(startGateway()).rejects.toThrow(`Another gateway (process ${gateway.pid}) uses the data folder`);
});

test('where nobody is enrolled coaps is closed, and nothing is made but the lock of the folder', async () => {
  const empty = join(folder, 'empty');
  const closed = await startGateway([`data.folder=${empty}`]);
  expect(closed.securedUri).toBeUndefined();
  expect(readdirSync(empty).toSorted()).toEqual(['gateway.lock', 'gateway.pid']);
  await closed.stop();
});
