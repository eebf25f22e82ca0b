/** `funcoap call` of a stream, against a gateway in this process. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { ran } from './terminal.ts';

const source = `
let open = () => {};
const gate = new Promise((resolve) => { open = resolve; });
/** @safe */
export async function* gated(): AsyncGenerator<string> { yield 'first'; await gate; yield 'second'; }
export function pass(): void { open(); }
/** @safe */
export function* endless(): Generator<{ n: number }> { for (let n = 0; ; n++) yield { n }; }
/** @safe */
export function* fails(): Generator<number> { yield 1; throw new Error('no such luck'); }
export class Meter {
  /** @safe */ *readings(to: number): Generator<number> { for (let n = 0; n < to; n++) yield n; }
}
`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'live/index.ts': source } });
});
afterAll(async () => gateway.close());

const uri = (method: string): string => `${gateway.coap}/func/live/${method}`;

test('items are printed as they come', async () => {
  const printed: string[] = [];
  const ended = ran(['call', uri('gated')], { out: (text) => void printed.push(String(text)) });
  await vi.waitFor(() => expect(printed).toEqual(['first\n']), { timeout: 30_000 });
  await ran(['call', uri('pass')]);
  expect((await ended).code).toBe(0);
  expect(printed).toEqual(['first\n', 'second\n']);
});

test.each<[args: string[], out: string]>([
  [['--count', '2'], 'n  0\nn  1\n'],
  [['--count', '2', '-m', 'GET', '--observe', '--json'], '{"n":0}\n{"n":1}\n'],
])('one without an end ends after --count: %j', async (args, out) => {
  expect(await ran(['call', ...args, uri('endless')])).toEqual({ code: 0, out, err: '' });
});

test('methods of objects too; for scripts all of them at its end', async () => {
  const meter = (await ran(['call', uri('Meter')])).out.trim();
  expect(await ran(['call', `${meter}/readings`, '3'])).toEqual({ code: 0, out: '0\n1\n2\n', err: '' });
  expect(await ran(['call', '--json', `${meter}/readings`, '3'])).toEqual({ code: 0, out: '[0,1,2]\n', err: '' });
  const whole = await ran(['call', '--include', `${meter}/readings`, '3']);
  expect(whole).toMatchObject({ code: 0, out: '0\n1\n2\n', err: expect.stringMatching(/^2\.05 Content .*3 bytes/) });
  expect((await ran(['call', '--cbor', `${meter}/readings`, '3'])).out).toBe('\u0000\u0001\u0002');
});

test('one that fails ends with its error, behind its items', async () => {
  expect(await ran(['call', uri('fails')])).toMatchObject({ code: 5, out: '1\n', err: expect.stringMatching(/5\.00/) });
});
