/**
 * Bad input at each door: a clear error with the same number, nothing runs, nothing is lost and nothing told that is nobody's business.
 * What only one door has (headers, blocks, datagrams) is tested beside that door.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { ran } from '../cli/terminal.ts';
import { ask } from '../http/gateway.ts';
import { GatewayProcess } from './gateway-process.ts';

const libraries = {
  'lab/index.ts': `import { appendFileSync } from 'node:fs';
    export function echo(value: unknown): unknown { appendFileSync('$MARKS', 'x'); return value; }
    export function all(...values: unknown[]): unknown { return values; }
    export function own(account: Account): string { appendFileSync('$MARKS', 'x'); return account.owner; }
    export async function wait(): Promise<void> { await new Promise(() => {}); }
    export class Account {
      owner: string;
      constructor(owner: string = '') { this.owner = owner; }
      rename(to: string): void { appendFileSync('$MARKS', 'x'); this.owner = to; }
    }`,
};

const doors = ['coap', 'coaps', 'http'] as const;
type Door = (typeof doors)[number];

interface Sent {
  readonly method?: 'GET' | 'FETCH' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly format?: number;
  readonly body?: Uint8Array;
}
interface Told {
  /** CoAP's, and HTTP's with the same digits. */
  readonly code: string;
  readonly problem: string | undefined;
  readonly place: string;
  /** In seconds. */
  readonly comeBack: number;
  readonly text: string;
}

let folder: string;
let gateway: GatewayProcess;
const clients = new Map<Door, CoapClient>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-bad-input-'));
  const { out } = await ran(['enroll', 'dev', '--json', '--data', join(folder, 'data')], { workingFolder: folder });
  const { pskIdentity, key } = JSON.parse(out) as { readonly pskIdentity: string; readonly key: string };
  gateway = await GatewayProcess.start({
    libraries,
    settings: [
      `data.folder=${join(folder, 'data')}`,
      'coaps.listen=127.0.0.1',
      'coaps.port=0',
      'http.listen=127.0.0.1',
      'http.port=0',
      'limits.requestBody=8KiB',
      'jobs.perIdentity=3',
    ],
  });
  clients.set('coap', await openCoapClient({}));
  const credentials = { preSharedKey: { identity: utf8(pskIdentity), key: utf8(key) } };
  clients.set('coaps', await openCoapClient({ credentials }));
});
afterAll(async () => {
  await Promise.all([...clients.values()].map((client) => client.close()));
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const mediaTypes: ReadonlyMap<number, string> = new Map([
  [50, 'application/json'],
  [60, 'application/cbor'],
  [40, 'application/link-format'],
  [11542, 'application/vnd.oma.lwm2m+tlv'],
]);

async function send(door: Door, { method = 'POST', path, format = 60, body }: Sent): Promise<Told> {
  const client = clients.get(door);
  if (client === undefined) {
    const answer = await ask((gateway.httpUrls[0] ?? '') + path, {
      method: method === 'FETCH' ? 'QUERY' : method,
      ...(body !== undefined && { headers: { 'content-type': mediaTypes.get(format) ?? '' }, body }),
    });
    const { status, problem, headers, text } = answer;
    const code = `${Math.floor(status / 100)}.${String(status % 100).padStart(2, '0')}`;
    return { code, problem, place: String(headers.location), comeBack: Number(headers['retry-after'] ?? 0), text };
  }
  const uri = (door === 'coap' ? gateway.uri : (gateway.securedUri ?? '')) + path;
  const sent = body === undefined ? {} : { payload: body, contentFormat: format };
  const { code, payload, options, maxAge } = await client.request({ uri, method, ...sent });
  return {
    code: dotted(code),
    problem: code < 0x80 ? undefined : decodeProblem(payload).name,
    place: `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`,
    comeBack: maxAge,
    text: new TextDecoder().decode(payload),
  };
}

const json = (text: string): Pick<Sent, 'format' | 'body'> => ({ format: 50, body: utf8(text) });
const cbor = (body: Uint8Array): Pick<Sent, 'format' | 'body'> => ({ format: 60, body });
/** `[[target, arguments], …]`, the arguments in CBOR already. */
const batch = (...calls: readonly (readonly [target: string, args: Uint8Array])[]): Pick<Sent, 'format' | 'body'> =>
  cbor(
    concatBytes([
      Uint8Array.of(0x80 | calls.length),
      ...calls.flatMap(([target, args]) => [Uint8Array.of(0x82), encodeCbor(target), args]),
    ]),
  );
/** Tag 39 around what is there. */
const reference = (...content: (number | string)[]): Uint8Array =>
  concatBytes([Uint8Array.of(0xd8, 39), encodeCbor(content)]);
const list = (...items: readonly Uint8Array[]): Uint8Array =>
  concatBytes([Uint8Array.of(0x80 | items.length), ...items]);

const long = json(`["${'x'.repeat(9000)}"]`);
const deepJson = json('['.repeat(2000));
const deepCbor = cbor(new Uint8Array(2000).fill(0x81));
const endless = cbor(Uint8Array.of(0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1));
const echo = '/func/lab/echo';
const one = encodeCbor([1]);

const bad: readonly [what: string, sent: Sent, code: string, problem: string][] = [
  ...([echo, `${echo}?_job`, '/b', '*/rename'] as const).flatMap((path): [string, Sent, string, string][] => [
    [`a body beyond the limit to ${path}`, { path, ...long }, '4.13', 'too-large'],
    [
      `a body of a type that is none of ours to ${path}`,
      { path, ...long, body: one, format: 11542 },
      '4.15',
      'unsupported-format',
    ],
    [`JSON that is too deep to ${path}`, { path, ...deepJson }, '4.00', 'malformed-body'],
    [`CBOR that is too deep to ${path}`, { path, ...deepCbor }, '4.00', 'malformed-body'],
    [`CBOR that announces more than there is to ${path}`, { path, ...endless }, '4.00', 'malformed-body'],
  ]),
  ['an attribute set to what is too deep', { method: 'PUT', path: '*/owner', ...deepJson }, '4.00', 'malformed-body'],
  ['an attribute set to what is too long', { method: 'PUT', path: '*/owner', ...long }, '4.13', 'too-large'],
  ['a class made of what is too deep', { path: '/func/lab/Account', ...deepCbor }, '4.00', 'malformed-body'],
  ['a name twice', { path: echo, ...json('{"value":1,"value":2}') }, '4.00', 'malformed-body'],
  [
    'a batch with a reference to a later call',
    { path: '/b', ...batch(['lab/echo', list(reference(1))], ['lab/echo', one]) },
    '4.00',
    'bad-reference',
  ],
  [
    'a batch with a reference to its own call',
    { path: '/b', ...batch(['lab/echo', list(reference(0))]) },
    '4.00',
    'bad-reference',
  ],
  [
    'a batch with a reference to a call that is not there',
    { path: '/b', ...batch(['lab/echo', list(reference(99))]) },
    '4.00',
    'bad-reference',
  ],
  [
    'a batch of too many calls',
    { path: '/b', ...json(JSON.stringify(Array.from({ length: 17 }, () => ['lab/echo', [1]]))) },
    '4.00',
    'bad-request',
  ],
  ['a batch in a batch', { path: '/b', ...json('[["b",[["lab/echo",[1]]]]]') }, '4.00', 'bad-request'],
  ['a batch with a job', { path: '/b?_job', ...json('[["lab/echo",[1]]]') }, '4.00', 'unknown-query'],
  ['an object that is guessed', { method: 'GET', path: '/o/AAAAAAAA' }, '4.04', 'no-such-resource'],
  [
    'a method of an object that is guessed',
    { path: '/o/AAAAAAAA/rename', ...json('["x"]') },
    '4.04',
    'no-such-resource',
  ],
  ['an object that is guessed, let go of', { method: 'DELETE', path: '/o/AAAAAAAA' }, '4.04', 'no-such-resource'],
  [
    'an object that is guessed, in a batch',
    { path: '/b', ...json('[["o/AAAAAAAA/rename",["x"]]]') },
    '4.04',
    'no-such-resource',
  ],
  [
    'an object that is guessed, as an argument',
    { path: '/func/lab/own', ...json('["/o/AAAAAAAA"]') },
    '4.22',
    'no-such-object',
  ],
  ['a job that is guessed', { method: 'GET', path: '/j/AAAAAAAA' }, '4.04', 'no-such-resource'],
  ['a job that is guessed, removed', { method: 'DELETE', path: '/j/AAAAAAAA' }, '4.04', 'no-such-resource'],
  ['an id that is a path', { method: 'GET', path: '/o/..%2f..%2fetc' }, '4.04', 'no-such-resource'],
  [
    'a name that is lines',
    { path: '/func/lab/%0d%0aset-cookie:%20a%0d%0a%1b[31m', ...json('[1]') },
    '4.04',
    'no-such-method',
  ],
];

describe.each(doors)('over %s', (door) => {
  test.each(bad)('%s', async (_, sent, code, problem) => {
    const path = sent.path.replace('*', await account(door));
    const before = gateway.marks;
    const told = await send(door, { ...sent, path });
    expect([told.code, told.problem]).toEqual([code, problem]);
    expect(told.text.length).toBeLessThan(600);
    expect(told.text).not.toMatch(/index\.ts|node:|\n +at |funcoap-/);
    expect(gateway.marks).toBe(before);
  });

  test('a batch whose references would make more and more of what there is', async () => {
    const twenty = (index: number): [string, Uint8Array] => [
      'lab/all',
      list(...Array.from({ length: 20 }, () => reference(index))),
    ];
    const first: [string, Uint8Array] = ['lab/all', encodeCbor(['x'.repeat(3000)])];
    const told = await send(door, { path: '/b?_w=0', ...batch(first, twenty(0), twenty(1), twenty(2)) });
    expect([told.code, told.problem]).toEqual(['4.13', 'too-large']);
  });

  test('an object of somebody else is told of in the same words as one that is not there', async () => {
    const other = await account(door === 'coaps' ? 'coap' : 'coaps');
    const words = async (path: string): Promise<unknown> => {
      const seen = [
        await send(door, { method: 'GET', path }),
        await send(door, { path: `${path}/rename`, ...json('["x"]') }),
        await send(door, { method: 'DELETE', path }),
        await send(door, { path: '/func/lab/own', ...json(JSON.stringify([path])) }),
        await send(door, { path: '/b', ...json(JSON.stringify([[`${path.slice(1)}/rename`, ['x']]])) }),
      ];
      return seen.map(({ code, problem, text }) => [code, problem, text.replaceAll(path.slice(3), 'ID')]);
    };
    expect(await words(other)).toEqual(await words('/o/AAAAAAAA'));
  });

  test('more jobs than one may have: 4.29 with when to come back, and those that are there stay', async () => {
    const submit = (): Promise<Told> => send(door, { path: '/func/lab/wait?_job' });
    const taken = [await submit(), await submit(), await submit()];
    const refused = await Promise.all(Array.from({ length: 20 }, submit));
    expect(new Set(refused.map(({ code, problem, comeBack }) => `${code} ${problem} ${comeBack}`))).toEqual(
      new Set(['4.29 rate-exceeded 10']),
    );
    for (const { code, place } of taken) {
      expect([code.slice(0, 2), place]).toEqual(['2.', expect.stringMatching(/^\/j\/[\w-]{8}$/)]);
      expect((await send(door, { method: 'DELETE', path: place })).code.slice(0, 2)).toBe('2.');
    }
  });
});

test('and all the time it answered, and each line of its log is one', async () => {
  for (const door of doors) expect((await send(door, { path: echo, ...json('["well"]') })).code[0]).toBe('2');
  const lines = gateway.errors.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !line.startsWith('{"level":'))).toEqual([]);
  expect(gateway.errors).not.toContain('\u{1b}');
});

const accounts = new Map<Door, string>();
/** One for all tests of a door. */
async function account(door: Door): Promise<string> {
  const known = accounts.get(door);
  if (known !== undefined) return known;
  const { place } = await send(door, { path: '/func/lab/Account' });
  accounts.set(door, place);
  return place;
}
