/** `funcoap batch`, against a gateway in this process. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { ran } from './terminal.ts';

const source = `
/** @pure */
export function add(a: number, b: number): number { return a + b; }
/** @safe */
export function user(name: string): { id: number; tags: string[] } { return { id: name.length, tags: [name, 'x'] }; }
/** @safe */
export function echo(text: string): string { return text; }
/** @safe */
export function area(box: { width: number; height: number }): number { return box.width * box.height; }
export function fail(): void { throw new Error('no such luck'); }
`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'lib/index.ts': source } });
});
afterAll(async () => gateway.close());

const batch = async (...args: string[]): ReturnType<typeof ran> => await ran(['batch', gateway.coap, ...args]);

test.each<[string[], string]>([
  [['lib/add 10 20', 'lib/add #0 3'], '30\n33\n'],
  [['--last', 'lib/add 10 20', 'lib/add b=#0 a=3'], '33\n'],
  [['--json', 'lib/user Ada', 'lib/add #0.id 1', 'lib/echo #0.tags.0'], '[{"id":3,"tags":["Ada","x"]},4,"Ada"]\n'],
  [[`lib/echo text:='"#0"'`], '#0\n'],
])('%j', async (args, out) => {
  expect(await batch(...args)).toEqual({ code: 0, out, err: '' });
});

const file = [
  ['lib/user', { name: 'Ada' }],
  ['lib/add', [{ '#': [0, 'id'] }, 1]],
  ['lib/area', [{ width: 2, height: 3 }]],
  ['lib/echo', { '#': [0, 'tags', 0] }],
];
const printed = '[{"id":3,"tags":["Ada","x"]},4,6,"Ada"]\n';

test('a file of JSON', async () => {
  const readInput = async (): Promise<Uint8Array> => await Promise.resolve(utf8(JSON.stringify(file)));
  expect(await ran(['batch', '--json', gateway.coap, '-'], { readInput })).toEqual({ code: 0, out: printed, err: '' });
});

test('a file of CBOR, with tag 39; over HTTP too', async () => {
  const tagged = (content: (string | number)[]): Uint8Array =>
    concatBytes([Uint8Array.of(0xd8, 39), encodeCbor(content)]);
  const list = (...parts: Uint8Array[]): Uint8Array => concatBytes([Uint8Array.of(0x80 | parts.length), ...parts]);
  const body = list(
    encodeCbor(file[0]),
    list(encodeCbor('lib/add'), list(tagged([0, 'id']), encodeCbor(1))),
    encodeCbor(file[2]),
    list(encodeCbor('lib/echo'), tagged([0, 'tags', 0])),
  );
  const readInput = async (): Promise<Uint8Array> => await Promise.resolve(body);
  for (const uri of [gateway.coap, gateway.url])
    expect(await ran(['batch', '--json', uri, '-'], { readInput })).toEqual({ code: 0, out: printed, err: '' });
});

test.each<[string[], string, number]>([
  [['lib/add 10'], 'lib/add needs b (number)', 2],
  [['lib/add #1 1', 'lib/add 1 2'], 'Call 0 refers to call 1, which is not before it.', 2],
  [['lib/ad 1 2'], 'lib has no function ad; did you mean add?', 2],
  [['@none.json'], 'The file none.json cannot be read', 2],
])('%j is refused in words', async (args, words, code) => {
  const ended = await batch(...args);
  expect(ended.err).toContain(words);
  expect(ended).toMatchObject({ code, out: '' });
});

test('P16: the first that fails ends it, and the results before it are printed', async () => {
  const ended = await batch('lib/add 1 2', 'lib/fail', 'lib/add 3 4');
  expect(ended).toMatchObject({ code: 5, out: '3\n', err: expect.stringContaining('Call 1 of the batch') });
});
