/** The shipped libraries, in their workers, asked by somebody who means harm. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { method } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { optionNumber, sortOptions, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { hex, utf8 } from '../../src/core/bytes.ts';
import { hostileBodies } from './hostile.ts';
import { PollutionWatch } from './pollution.ts';
import { Stack } from './stack.ts';

const shipped = fileURLToPath(new URL('../../libraries', import.meta.url));
const pollution = new PollutionWatch();
let stack: Stack;
let folder: string;
let messageId = 0;

beforeAll(async () => {
  // A copy: what is locked here must not be locked in the checkout.
  folder = mkdtempSync(join(tmpdir(), 'funcoap-shipped-'));
  cpSync(shipped, folder, { recursive: true });
  stack = await Stack.open({ uniform: () => 0.5, libraries: folder });
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly path: readonly string[];
  readonly query?: readonly string[];
  readonly payload?: Uint8Array;
  readonly format?: number;
}

/** The answer of a function that runs in a worker, in the real time that it takes. */
async function call({ path, query = [], payload = new Uint8Array(0), format }: Asked): Promise<Message> {
  const options = sortOptions([
    ...path.map((segment) => stringOption(optionNumber.uriPath, segment)),
    ...query.map((item) => stringOption(optionNumber.uriQuery, item)),
    ...(format === undefined ? [] : [uintOption(optionNumber.contentFormat, format)]),
  ]);
  const code = payload.length > 0 ? method.FETCH : method.GET;
  const token = Uint8Array.of(++messageId);
  let output = await stack.send(
    encodeMessage({ type: messageType.CON, code, messageId, token, options, payload }),
    'near-1',
  );
  const giveUp = performance.now() + 5000;
  while (output.length === 0 && performance.now() < giveUp) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    output = stack.engine.takeOutput();
  }
  const message = decodeMessage(output[0]?.bytes ?? new Uint8Array(0));
  if (isMalformed(message)) throw new TypeError(`no answer: ${message.malformed}`);
  return message;
}

test('the list of a database that is there is given', async () => {
  const { code } = await call({ path: ['func', 'oslist', 'list'] });
  expect(dotted(code)).toBe('2.05');
});

test.each([
  '../../etc/passwd',
  '/etc/passwd',
  '../index.ts',
  '..',
  '.',
  '',
  './../../../../../../../../etc/passwd',
  'data/../../x',
  'os-list.db/../../../etc/passwd',
  'os-list.db\u0000.txt',
  '\u0000',
  'file:///etc/passwd',
  'file:os-list.db?mode=rwc',
  ':memory:',
  '..\\..\\etc\\passwd',
  '%2e%2e%2fetc%2fpasswd',
  'x'.repeat(230),
  '__proto__',
  "os-list.db'; DROP TABLE os; --",
])('databasefile=%j: a clear 4.xx that tells nothing of this machine', async (file) => {
  for (const asked of [
    { path: ['func', 'oslist', 'list'], query: [`databasefile=${file}`, '_why'] },
    {
      path: ['func', 'oslist', 'list'],
      payload: utf8(JSON.stringify({ databasefile: file })),
      format: contentFormat.json,
    },
  ]) {
    const { code, payload } = await call(asked);
    expect(dotted(code)).toMatch(/^4\.\d\d$/);
    expect(hex(payload)).not.toContain(hex(utf8(folder)));
    expect(hex(payload)).not.toContain(hex(utf8('root:')));
  }
});

test('hostile bodies are no arguments of any shipped function', async () => {
  const listed = await call({ path: ['func'] });
  expect(decodeCbor(listed.payload)).toBeDefined();
  for (const path of [
    ['func', 'oslist', 'list'],
    ['func', 'math', 'add'],
    ['func', 'math', 'quotient'],
    ['func', 'date', 'date'],
  ]) {
    for (const { name, bytes } of hostileBodies) {
      const { code } = await call({ path, payload: bytes, format: contentFormat.cbor });
      expect({ path, name, code: dotted(code) }).toEqual({
        path,
        name,
        code: expect.stringMatching(/^4\.(00|22|04)$/),
      });
    }
  }
  pollution.check();
}, 60_000);

test.each([
  ['a=1', 'b=0', '4.22'],
  ['a=0', 'b=0', '4.22'],
  ['a=1', 'b=-0', '4.22'],
  ['a=1', 'c=1', '4.00'],
  ['a=1', '__proto__=1', '4.00'],
])('quotient of %s and %s is %s', async (a, b, code) => {
  expect(dotted((await call({ path: ['func', 'math', 'quotient'], query: [a, b] })).code)).toBe(code);
});
