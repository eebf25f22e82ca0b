/** Discovery of the shipped libraries, against the real process (RFC 6690; docs/calling.md). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
} from '../../src/coap/codec/options.ts';
import { parseLinkFormat } from '../../src/directory/link-format.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';

let gateway: GatewayProcess;
let device: RawDevice;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: 'shipped' });
  device = await RawDevice.open(gateway.port);
});
afterAll(async () => {
  device.close();
  await gateway.stop();
});

async function get(uri: string, accept?: number, code: number = method.GET): Promise<Message> {
  const [path = '', query = ''] = uri.split('?');
  return device.request({
    code,
    options: [
      ...path
        .split('/')
        .slice(1)
        .map((segment) => stringOption(optionNumber.uriPath, segment)),
      ...query
        .split('&')
        .filter(Boolean)
        .map((item) => stringOption(optionNumber.uriQuery, item)),
      uintOption(optionNumber.block2, 6),
      ...(accept === undefined ? [] : [uintOption(optionNumber.accept, accept)]),
    ],
  });
}

const linksOf = async (uri: string): Promise<string[]> =>
  parseLinkFormat(Buffer.from((await get(uri, 40)).payload).toString()).map((link) => link.target);

describe('/.well-known/core', () => {
  test('lists entry points and libraries, in link format', async () => {
    const answer = await get('/.well-known/core');
    expect(findUint(answer.options, optionNumber.contentFormat)).toBe(40);
    expect(await linksOf('/.well-known/core')).toEqual(['/func', '/clock', '/func/date', '/func/math', '/func/oslist']);
  });

  test.each([
    ['rt=func', 7],
    ['href=/func/oslist/*', 1],
    ['href=/clock', 1],
    ['rt=none', 0],
  ])('filtered by %s: %i links', async (query, count) => {
    expect(await linksOf(`/.well-known/core?${query}`)).toHaveLength(count);
  });

  test('a function’s link has rt, ct, title and the compact id', async () => {
    const [link] = parseLinkFormat(
      Buffer.from((await get('/.well-known/core?href=/func/math/add')).payload).toString(),
    );
    const attributes = Object.fromEntries((link?.attributes ?? []).map(({ name, value }) => [name, value]));
    expect(attributes).toEqual({ rt: 'func', ct: '60 50 0 42', title: 'The sum of a and b.', f: '1/0' });
  });

  test('is revalidated by its ETag', async () => {
    const answer = await get('/.well-known/core');
    const etag = opaqueOption(optionNumber.etag, findOption(answer.options, optionNumber.etag) ?? new Uint8Array(0));
    const path = ['.well-known', 'core'].map((segment) => stringOption(optionNumber.uriPath, segment));
    expect((await device.request({ code: method.GET, options: [etag, ...path] })).code).toBe(responseCode.valid);
  });
});

describe('/func', () => {
  test('in CBOR, JSON and link format', async () => {
    expect(decodeCbor((await get('/func')).payload)).toMatchObject({ math: { id: 1, functions: 5 } });
    expect(JSON.parse(Buffer.from((await get('/func', 50)).payload).toString())).toMatchObject({
      oslist: { functions: 1 },
    });
    expect(await linksOf('/func')).toEqual(['/func/date', '/func/math', '/func/oslist']);
    expect((await get('/func', 41)).code).toBe(responseCode.notAcceptable);
    expect((await get('/func', undefined, method.POST)).code).toBe(responseCode.methodNotAllowed);
  });

  test('a library: its functions with ids and safety', async () => {
    expect(decodeCbor((await get('/func/math')).payload)).toMatchObject({
      functions: { add: { id: 0, safe: true, pure: true } },
    });
    expect(await linksOf('/func/math')).toHaveLength(5);
    expect((await get('/func/none')).code).toBe(responseCode.notFound);
  });

  test('a library by its id is the same, in each form', async () => {
    for (const accept of [undefined, 50, 40])
      expect((await get('/f/1', accept)).payload).toEqual((await get('/func/math', accept)).payload);
    expect(await linksOf('/f/1')).toContain('/func/math/add');
    expect((await get('/f/1', undefined, method.POST)).code).toBe(responseCode.methodNotAllowed);
    for (const id of ['99', 'math', '01']) {
      const refused = await get(`/f/${id}?_why`);
      expect(refused.code).toBe(responseCode.notFound);
      expect(Buffer.from(refused.payload).toString()).toContain(`There is no library ${id}; GET /func lists`);
    }
  });

  test('a function: description, JSON Schema, CDDL; nothing is called', async () => {
    expect(decodeCbor((await get('/func/math/add?_describe')).payload)).toMatchObject({
      ids: [1, 0],
      pure: true,
      maxAge: 240,
      parameters: [
        { name: 'a', id: 0, type: 'number', required: true },
        { name: 'b', id: 1 },
      ],
    });
    const schema: unknown = JSON.parse(
      Buffer.from((await get('/func/math/add?_describe=schema', 50)).payload).toString(),
    );
    expect(schema).toMatchObject({ type: 'object', required: ['a', 'b'], additionalProperties: false });
    expect(Buffer.from((await get('/f/1/0?_describe=cddl')).payload).toString()).toContain('arguments =');
  });
});

describe('the shipped libraries', () => {
  test('oslist lists its rows; paths out of its folder are refused', async () => {
    const rows = decodeCbor((await get('/func/oslist/list')).payload);
    expect(rows).toContainEqual(expect.objectContaining({ name: 'Zephyr' }));
    for (const path of ['../../etc/passwd', '/etc/passwd', '..', 'data/../../index.ts', 'x\0.db', '']) {
      const options = ['func', 'oslist', 'list'].map((segment) => stringOption(optionNumber.uriPath, segment));
      const answer = await device.request({
        code: method.GET,
        options: [...options, stringOption(optionNumber.uriQuery, `databasefile=${path}`)],
      });
      expect([path, answer.code]).toEqual([path, responseCode.unprocessableEntity]);
    }
  });

  test('date gives the clock and the date', async () => {
    expect(decodeCbor((await get('/func/date/date?what=clock')).payload)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(decodeCbor((await get('/func/date/date?what=date')).payload)).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect((await get('/func/date/date?what=week')).code).toBe(responseCode.unprocessableEntity);
  });

  test.each([
    ['add', 30],
    ['sub', -10],
    ['multiply', 200],
    ['quotient', 0.5],
    ['remainder', 10],
  ])('math/%s', async (name, expected) => {
    expect(decodeCbor((await get(`/func/math/${name}?a=10&b=20`)).payload)).toBe(expected);
  });

  test('math refuses division by zero and undeclared names', async () => {
    expect((await get('/func/math/quotient?a=1&b=0')).code).toBe(responseCode.unprocessableEntity);
    expect((await get('/func/math/add?a=1&b=0&c=1')).code).toBe(responseCode.badRequest);
  });
});
