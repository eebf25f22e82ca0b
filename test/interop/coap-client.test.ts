/** The gateway process as libcoap's coap-client sees it: every kind of call, in the words of its own log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { responseCode } from '../../src/coap/codec/codes.ts';
import { optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RawDevice } from '../gateway/raw-device.ts';
import { coapClient, missingCoapClient, optionOf, type CoapClientRun, type LoggedMessage } from './plugtest/libcoap.ts';
import { LossyRelay } from './lossy-relay.ts';

const missing = missingCoapClient();

const library = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const mark = () => appendFileSync('$MARKS', 'x');

/**
 * @pure
 * @maxAge 240
 */
export function add(a: number, b: number = 20): number { mark(); return a + b; }
/** @safe */
export function text(length: number): string { mark(); return 'x'.repeat(length); }
export function write(length: number): string { mark(); return 'y'.repeat(length); }
/** @safe */
export function length(bytes: Uint8Array): number { mark(); return bytes.length; }
/** @safe */
export async function late(seconds: number, length: number = 4): Promise<string> {
  mark();
  await sleep(seconds * 1000);
  return 'z'.repeat(length);
}
/** @safe */
export async function lateCopy(bytes: Uint8Array): Promise<string> {
  mark();
  await sleep(2000);
  return 'c'.repeat(bytes.length);
}
export function fail(): void { throw new TypeError('no such luck'); }
`;

let gateway: GatewayProcess;
/** The same with a piggyback window of 15 s. */
let patient: GatewayProcess;
let folder: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coap-client-'));
  const libraries = { 'calc/index.ts': library };
  gateway = await GatewayProcess.start({ libraries });
  patient = await GatewayProcess.start({ libraries, settings: ['profile.piggybackWindow=15s'] });
});

afterAll(async () => {
  if (missing !== undefined) return;
  await gateway.stop();
  await patient.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const calc = (what: string): string => `${gateway.uri}/func/calc/${what}`;
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

async function executions(work: () => Promise<unknown>, of: GatewayProcess = gateway): Promise<number> {
  const before = of.marks;
  await work();
  return of.marks - before;
}

const sent = ({ messages }: CoapClientRun): LoggedMessage[] => messages.filter(({ direction }) => direction === 'sent');
const requests = (run: CoapClientRun): LoggedMessage[] => sent(run).filter(({ code }) => code !== '0.00');
const blocks = (messages: readonly LoggedMessage[]): (string | undefined)[] =>
  messages.map((one) => optionOf(one, 'Block2'));

describe('forms of a call', () => {
  test('GET query, CBOR array, CBOR map, JSON, a scalar and POST: one execution, the same answer', async () => {
    const array = file('array', encodeCbor([10, 20]));
    const map = file('map', encodeCbor({ b: 20, a: 10 }));
    const scalar = file('scalar', encodeCbor(10));
    const runs: CoapClientRun[] = [];
    const count = await executions(async () => {
      runs.push(
        await coapClient(calc('add?a=10&b=20'), '-A', '50'),
        await coapClient(calc('add?b=20&a=10'), '-A', '50'),
        await coapClient(calc('add'), '-m', 'fetch', '-t', '60', '-A', '50', '-f', array),
        await coapClient(calc('add'), '-m', 'fetch', '-t', '60', '-A', '50', '-f', map),
        await coapClient(calc('add'), '-m', 'fetch', '-t', '60', '-A', '50', '-f', scalar),
        await coapClient(calc('add'), '-m', 'fetch', '-t', '50', '-e', '{"a":10}'),
        await coapClient(calc('add'), '-m', 'post', '-t', '50', '-e', '[10,20]'),
      );
    });
    expect(count).toBe(1);
    expect(runs.map(({ body }) => body)).toEqual(runs.map(() => '30'));
    expect(runs.map(({ last }) => last.code)).toEqual([...Array<string>(6).fill('2.05'), '2.04']);
  });

  test('the answer is CBOR where neither Accept nor a body says otherwise', async () => {
    const { last, body } = await coapClient(calc('add?a=3&b=4'));
    expect(body).toBe('\u0007');
    expect(optionOf(last, 'Content-Format')).toBe('application/cbor');
  });

  test('the current ETag: 2.03 without a payload, over GET and FETCH', async () => {
    const first = await coapClient(calc('add?a=5&b=6'), '-A', '50');
    const etag = optionOf(first.last, 'ETag') ?? '';
    expect(etag).toMatch(/^0x[0-9a-f]{8}$/);
    const count = await executions(async () => {
      for (const run of [
        await coapClient(calc('add?a=5&b=6'), '-A', '50', '-O', `4,${etag}`),
        await coapClient(calc('add'), '-m', 'fetch', '-t', '50', '-e', '[5,6]', '-O', `4,${etag}`),
      ]) {
        expect(run.last).toMatchObject({ code: '2.03', payload: '' });
        expect(optionOf(run.last, 'ETag')).toBe(etag);
      }
      const other = await coapClient(calc('add?a=5&b=6'), '-A', '50', '-O', '4,0x00000000');
      expect(other.last).toMatchObject({ code: '2.05', payload: '11' });
    });
    expect(count).toBe(0);
  });
});

describe('blocks', () => {
  test.each([
    ['GET', 'text?length=2000', []],
    ['FETCH', 'text', ['-m', 'fetch', '-t', '50', '-e', '[2000]']],
  ])(
    'a long %s answer is read block by block, with an empty body and new tokens: one execution',
    async (_, what, args) => {
      let run: CoapClientRun | undefined;
      const count = await executions(async () => {
        run = await coapClient(calc(what), '-A', '0', ...args);
      });
      expect(count).toBe(1);
      expect(run?.body).toBe('x'.repeat(2000));
      const asked = run === undefined ? [] : requests(run);
      expect(blocks(asked)).toEqual([undefined, ...Array.from({ length: 7 }, (_block, at) => `${at + 1}/_/256`)]);
      expect(new Set(asked.map(({ token }) => token)).size).toBe(8);
      expect(asked.slice(1).map(({ payload }) => payload)).toEqual(Array(7).fill(''));
    },
  );

  test('a long POST answer: one execution', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('write'), '-m', 'post', '-t', '50', '-A', '0', '-e', '[2000]');
      expect(run.body).toBe('y'.repeat(2000));
      expect(run.received.map(({ code }) => code)).toEqual(Array(8).fill('2.04'));
      expect(
        requests(run)
          .slice(1)
          .map(({ payload }) => payload),
      ).toEqual(Array(7).fill(''));
    });
    expect(count).toBe(1);
  });

  test.each([16, 32, 64, 128, 256, 512, 1024])('-b %d is honoured', async (size) => {
    const run = await coapClient(calc('text?length=1500'), '-A', '0', '-b', String(size));
    expect(run.body).toBe('x'.repeat(1500));
    expect(run.received).toHaveLength(Math.ceil(1500 / size));
    expect(blocks(run.received).every((block) => block?.endsWith(`/${size}`))).toBe(true);
  });

  // For FETCH, -b is the size of the answer's blocks; for POST, of the request's.
  test.each<[string, string, string[], number]>([
    ['FETCH', '1024-byte', ['-m', 'fetch'], 5],
    ['FETCH', '1024-byte', ['-m', 'fetch', '-b', '64'], 5],
    ['POST', '64-byte', ['-m', 'post', '-b', '64'], 79],
  ])('an argument of 5 KB by %s in %s blocks: one execution', async (_method, _size, args, count) => {
    const octets = file('zeros', new Uint8Array(5000));
    const cbor = file('zeros.cbor', encodeCbor([new Uint8Array(5000)]));
    const ran = await executions(async () => {
      const run = await coapClient(calc('length'), ...args, '-t', '42', '-A', '50', '-f', octets);
      expect(run.body).toBe('5000');
      expect(run.received).toHaveLength(count);
      expect(run.received.slice(0, -1).every(({ code }) => code === '2.31')).toBe(true);
      expect((await coapClient(calc('length'), ...args, '-t', '60', '-A', '50', '-f', cbor)).body).toBe('5000');
    });
    expect(ran).toBe(2);
  });
});

describe('time', () => {
  test('a function of 5 s over CON: an empty ACK, then a separate CON response that is acknowledged', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('late?seconds=5'), '-A', '50', '-B', '15');
      expect(run.body).toBe('"zzzz"');
      expect(run.received.map(({ type, code }) => `${type} ${code}`)).toEqual(['ACK 0.00', 'CON 2.05']);
      expect(sent(run).at(-1)).toMatchObject({ type: 'ACK', code: '0.00', messageId: run.last.messageId });
      expect(run.last.token).toBe(requests(run)[0]?.token);
    });
    expect(count).toBe(1);
  });

  test('a function of 5 s over NON: one NON response', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('late?seconds=5'), '-A', '50', '-N', '-B', '15');
      expect(run.body).toBe('"zzzz"');
      expect(run.received.map(({ type, code }) => `${type} ${code}`)).toEqual(['NON 2.05']);
    });
    expect(count).toBe(1);
  });

  test('a slow and long answer over NON is read block by block: one execution', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('late?seconds=2&length=2000'), '-A', '0', '-N');
      expect(run.body).toBe('z'.repeat(2000));
    });
    expect(count).toBe(1);
  });

  test('a slow and long answer to an argument in blocks over CON is read block by block: one execution', async () => {
    const body = file('long', new Uint8Array(3000));
    const count = await executions(async () => {
      const run = await coapClient(calc('lateCopy'), '-m', 'fetch', '-t', '42', '-A', '0', '-f', body);
      expect(run.body).toBe('c'.repeat(3000));
      expect(run.received.some(({ type, code }) => type === 'CON' && code === '2.05')).toBe(true);
    });
    expect(count).toBe(1);
  });

  // libcoap before 4.3.5 forgets a CON request once it is acknowledged, and then drops a separate response that
  // carries Block2 although it acknowledges it. What the gateway sends is what RFC 7959 §2.4 says.
  test('a slow and long answer over CON: the first block is a separate CON response, acknowledged', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('late?seconds=2&length=2000'), '-A', '0', '-B', '6');
      const separate = run.received[1];
      expect(separate).toMatchObject({ type: 'CON', code: '2.05', token: requests(run)[0]?.token });
      expect(separate && optionOf(separate, 'Block2')).toBe('0/M/256');
      expect(sent(run)).toContainEqual(expect.objectContaining({ type: 'ACK', messageId: separate?.messageId }));
    });
    expect(count).toBe(1);
  });

  test('a slow answer that fits the block size asked for is read over CON', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('late?seconds=2&length=900'), '-A', '0', '-b', '1024');
      expect(run.body).toBe('z'.repeat(900));
      expect(run.last).toMatchObject({ type: 'CON', code: '2.05' });
    });
    expect(count).toBe(1);
  });

  test('a slow and long answer with a piggyback window that is longer than the function: read block by block, one execution', async () => {
    const count = await executions(async () => {
      const run = await coapClient(`${patient.uri}/func/calc/late?seconds=4&length=2000`, '-A', '0', '-B', '15');
      expect(run.body).toBe('z'.repeat(2000));
      expect(run.received.every(({ type, code }) => type === 'ACK' && code === '2.05')).toBe(true);
      expect(requests(run).filter(({ messageId }) => messageId === requests(run)[0]?.messageId).length).toBeGreaterThan(
        1,
      );
    }, patient);
    expect(count).toBe(1);
  });
});

describe('loss', () => {
  test('a request that is lost is repeated: one execution', async () => {
    const count = await executions(async () => {
      const run = await coapClient(calc('write'), '-m', 'post', '-t', '50', '-A', '50', '-e', '[3]', '-l', '1');
      expect(run.body).toBe('"yyy"');
      expect(run.received).toHaveLength(1);
    });
    expect(count).toBe(1);
  });

  test('an answer that is lost is sent again to the retransmission, byte by byte: one execution', async () => {
    const relay = await LossyRelay.open(gateway.port, [1]);
    try {
      const count = await executions(async () => {
        const uri = `coap://127.0.0.1:${relay.port}/func/calc/write`;
        const run = await coapClient(uri, '-m', 'post', '-t', '50', '-A', '50', '-e', '[3]');
        expect(run.body).toBe('"yyy"');
      });
      expect(count).toBe(1);
      expect(relay.requests).toHaveLength(2);
      expect(relay.requests[1]).toEqual(relay.requests[0]);
      expect(relay.answers).toHaveLength(2);
      expect(relay.answers[1]).toEqual(relay.answers[0]);
    } finally {
      relay.close();
    }
  });

  test('blocks that are lost, both ways: one execution', async () => {
    const body = file('lossy', new Uint8Array(2000));
    const relay = await LossyRelay.open(gateway.port, [2, 5]);
    try {
      const count = await executions(async () => {
        const uri = `coap://127.0.0.1:${relay.port}/func/calc/lateCopy`;
        const args = ['-m', 'fetch', '-t', '42', '-A', '0', '-b', '512', '-f', body];
        const run = await coapClient(uri, ...args, '-l', '3,9', '-B', '30');
        expect(run.body).toBe('c'.repeat(2000));
        expect(relay.answers.length).toBeGreaterThan(5);
      });
      expect(count).toBe(1);
    } finally {
      relay.close();
    }
  }, 60_000);
});

describe('what is refused', () => {
  test.each([
    ['no such library', ['-m', 'get'], '/func/nothing/x', '4.04'],
    ['no such method', ['-m', 'get'], '/func/calc/nothing', '4.04'],
    ['GET on a function with side effects', ['-m', 'get'], '/func/calc/write', '4.05'],
    ['PUT', ['-m', 'put', '-e', 'a'], '/func/calc/add', '4.05'],
    ['DELETE', ['-m', 'delete'], '/func/calc/add', '4.05'],
    ['PATCH', ['-m', 'patch', '-e', 'a'], '/func/calc/add', '4.05'],
    ['iPATCH', ['-m', 'ipatch', '-e', 'a'], '/func/calc/add', '4.05'],
    ['an argument of the wrong type', ['-m', 'fetch', '-t', '50', '-e', '["x"]'], '/func/calc/add', '4.22'],
    ['a body that is cut off', ['-m', 'fetch', '-t', '50', '-e', '["x"'], '/func/calc/add', '4.00'],
    ['an Accept that there is not', ['-m', 'get', '-A', '41'], '/func/calc/add?a=1', '4.06'],
    ['a critical option that nobody knows', ['-m', 'get', '-O', '65001,0x01'], '/func/calc/add?a=1', '4.02'],
  ])('%s', async (_, args, path, code) => {
    const count = await executions(async () => {
      const { last } = await coapClient(gateway.uri + path, ...args);
      expect(last.code).toBe(code);
      if (code !== '4.02') expect(optionOf(last, 'Content-Format')).toBe('257');
    });
    expect(count).toBe(0);
  });

  test('a library that throws: 5.00, with words where they are asked for, without what it threw', async () => {
    const bare = await coapClient(calc('fail'), '-m', 'post');
    expect(bare.last.code).toBe('5.00');
    const { last } = await coapClient(calc('fail?_why'), '-m', 'post', '-A', '50');
    expect(last.code).toBe('5.00');
    expect(last.payload).toMatch(/"title":"[^"]+","status":500,"detail":"[^"]+"/);
    expect(last.payload).not.toMatch(/luck|index\.ts/);
  });

  test.each([8, 31])('method code 0.%d, that nobody defined: 4.05', async (code) => {
    const device = await RawDevice.open(gateway.port);
    const options = ['func', 'calc', 'add'].map((segment) => stringOption(optionNumber.uriPath, segment));
    expect((await device.request({ code, options })).code).toBe(responseCode.methodNotAllowed);
    device.close();
  });
});

test('/clock is observed for 3 s: Observe counts up, once a second', async () => {
  const run = await coapClient(`${gateway.uri}/clock`, '-s', '3', '-w');
  const notifications = run.received.filter((message) => optionOf(message, 'Observe') !== undefined);
  expect(notifications.length).toBeGreaterThanOrEqual(3);
  const numbers = notifications.map((message) => Number(optionOf(message, 'Observe')));
  expect(numbers).toEqual([...numbers].toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(notifications.slice(1).every(({ type }) => type === 'CON')).toBe(true);
  const times = run.body
    .trim()
    .split('\n')
    .map((text) => Date.parse(text));
  for (const [at, time] of times.slice(1).entries()) expect(time - (times[at] ?? 0)).toBe(1000);
});
