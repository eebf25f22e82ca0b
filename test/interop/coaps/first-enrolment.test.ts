/** A gateway that began when nobody was enrolled opens coaps with the first who is; and what `enroll` and `revoke` have said is so when they return. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import { method } from '../../../src/coap/codec/codes.ts';
import { optionNumber, stringOption } from '../../../src/coap/codec/options.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import type { ClientCredentials } from '../../../src/dtls/credentials.ts';
import { funcoap as funcoapProcess, type Ended } from '../../cli/process.ts';
import { ran, type Ran } from '../../cli/terminal.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { RawDevice } from '../../gateway/raw-device.ts';
import { freeUdpPort } from '../../transport/free-port.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const libraries = {
  'who/index.ts': `import { appendFileSync } from 'node:fs';
    import { context } from 'funcoap/library';
    /** @safe */ export function am(): string { return context().identity; }
    export function mark(): number { appendFileSync('$MARKS', '.'); return 1; }`,
};

let folder: string;
let port: number;
let gateway: GatewayProcess;
const clients: CoapClient[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-first-'));
  port = await freeUdpPort();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** The commands read the same settings, as they do where both are started in one folder. */
async function start(...settings: readonly string[]): Promise<void> {
  const data = join(folder, 'data');
  const own = [`data.folder=${data}`, 'coaps.listen=127.0.0.1', `coaps.port=${port}`, ...settings];
  gateway = await GatewayProcess.start({ libraries, settings: own });
  const config = { data: { folder: data }, coap: { port: gateway.port } };
  writeFileSync(join(folder, 'funcoap.config.json'), JSON.stringify(config));
}

const run = (line: string): Promise<Ran> => ran(line.split(' '), { workingFolder: folder });

async function funcoap(line: string): Promise<string> {
  const { code, out, err } = await run(line);
  expect([code, err]).toEqual([0, '']);
  return out;
}

async function enroll(name: string): Promise<ClientCredentials> {
  const { pskIdentity, key } = JSON.parse(await funcoap(`enroll ${name} --json`)) as Record<
    'pskIdentity' | 'key',
    string
  >;
  return { preSharedKey: { identity: utf8(pskIdentity), key: utf8(key) } };
}

async function clientOf(credentials: ClientCredentials | undefined): Promise<CoapClient> {
  const client = await openCoapClient({ credentials });
  clients.push(client);
  return client;
}

async function am(client: CoapClient, timeout = seconds(1)): Promise<unknown> {
  const uri = `coaps://127.0.0.1:${port}/func/who/am`;
  return decodeCbor((await client.request({ uri, method: 'GET', timeout })).payload);
}

describe('the first who is enrolled while the gateway runs', () => {
  test('is let in when `enroll` returns, and plain CoAP goes on as if nothing were', async () => {
    await start();
    const device = await RawDevice.open(gateway.port);
    const post = {
      type: messageType.CON,
      code: method.POST,
      token: Uint8Array.of(7),
      options: ['func', 'who', 'mark'].map((segment) => stringOption(optionNumber.uriPath, segment)),
    };
    const again = { ...post, messageId: device.nextMessageId() };
    expect((await device.request(again)).code).toBe(0x44);
    const observer = await clientOf(undefined);
    const seen: number[] = [];
    const ended = (async (): Promise<void> => {
      for await (const { code } of observer.observe({ uri: `${gateway.uri}/clock`, method: 'GET' })) seen.push(code);
    })();
    ended.catch(() => undefined);

    // The gateway has answered, so it is there, and `enroll` waits for it.
    expect(await am(await clientOf(await enroll('first')))).toBe('first');
    expect(await am(await clientOf(await enroll('second')))).toBe('second');

    const before = seen.length;
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before + 1), { timeout: 10_000 });
    // The same request once more is still known.
    expect((await device.request(again)).code).toBe(0x44);
    expect(gateway.marks).toBe(1);
    device.close();
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ event: 'coaps', addresses: [`coaps://127.0.0.1:${port}`] }),
    );
  });

  test('calls over HTTP with a token at once', async () => {
    await start('http.listen=127.0.0.1', `http.port=${port}`);
    await enroll('first');
    const token = (await funcoap('token first')).trim();
    const url = `http://127.0.0.1:${port}/func/who/am`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect([answer.status, await answer.json()]).toEqual([200, 'first']);
  });

  test('is let in by several processes, which are replaced one after the other', async () => {
    await start('processes=2');
    const client = await clientOf(await enroll('first'));
    expect(await am(client, seconds(20))).toBe('first');
    const replaced = (): unknown[] => gateway.log.filter(({ msg }) => msg === 'a new gateway process serves');
    await vi.waitFor(() => expect(replaced()).toHaveLength(2), { timeout: 20_000 });
    for (let count = 0; count < 4; count++) {
      expect(await am(await clientOf(await enroll(`further-${count}`)), seconds(5))).toBe(`further-${count}`);
    }
    expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('is told where it is stored where the gateway that runs has another data folder', async () => {
    await start();
    const other = join(folder, 'other');
    const { code, err } = await run(`enroll first --json --data ${other}`);
    expect([code, err]).toEqual([
      0,
      `It is stored in ${other}, but the gateway that answers on port ${gateway.port} does not use this folder, or has not taken it up yet; see that both have the same --data, and its log.\n`,
    ]);
  });

  test('finds coaps open a little later where its port was taken before', async () => {
    const taken = createSocket('udp4').bind(port, '127.0.0.1');
    await once(taken, 'listening');
    await start();
    const { err } = await run('enroll first --json');
    expect(err).toContain('or has not taken it up yet; see');
    expect(gateway.errors).toContain('who is enrolled cannot come in yet');
    taken.close();
    const client = await clientOf(await enroll('second'));
    await vi.waitFor(() => am(client), { timeout: 20_000 });
  });
});

test('whoever is enrolled is known when `enroll` returns, and unknown when `revoke` does, however soon it calls', async () => {
  await start();
  await enroll('somebody');
  const names = Array.from({ length: 10 }, (_, at) => `quick-${at}`);
  for (const name of names) {
    const credentials = await enroll(name);
    expect(await am(await clientOf(credentials))).toBe(name);
    await funcoap(`identities revoke ${name}`);
    await expect(am(await clientOf(credentials))).rejects.toThrow(/refused|key/i);
  }
});

test('no command waits for a gateway that was killed', async () => {
  await start();
  await enroll('somebody');
  gateway.signal('SIGKILL');
  await gateway.ended();
  expect(readdirSync(join(folder, 'data', 'gateways'))).toEqual(['0']);
  const before = performance.now();
  await enroll('nobody-looks');
  expect(performance.now() - before).toBeLessThan(2500);
});

test.each(['1', '2'])(
  'a gateway of %s processes has its data folder for itself also while nobody is enrolled, until it ends, however it ends',
  async (processes) => {
    await start(`processes=${processes}`);
    const port = `coap.port=${await freeUdpPort()}`;
    const second = (): Promise<Ended> => funcoapProcess(['serve', '--set', port, '--set', 'http.listen='], folder);
    expect(await second()).toEqual({
      code: 2,
      out: '',
      err: `funcoap: Another gateway (process ${gateway.pid}) uses the data folder ${join(folder, 'data')}; stop that one, or give this one a folder of its own (--data, data.folder).\n`,
    });
    gateway.signal('SIGKILL');
    await gateway.ended();
    await start(`processes=${processes}`);
    expect(gateway.errors).not.toContain('data-in-use');
  },
);
