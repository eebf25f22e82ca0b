/** The anonymous caller restricted by a rule, against the real process. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { parseLinkFormat } from '../../src/directory/link-format.ts';
import { patience } from '../patience.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';

const rules = [
  { identity: 'local', functions: ['math/a*', 'broken/*'], profile: { blockSize: 16, maxBody: 100 } },
  { group: 'staff', functions: ['math/*', 'date/*'], resources: ['clock'] },
];

let gateway: GatewayProcess;
let device: RawDevice;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: 'shipped', settings: [`access=${JSON.stringify(rules)}`] });
  gateway.write({ 'broken/index.ts': 'export const = 1;', 'other/index.ts': 'export const = 2;' });
  device = await RawDevice.open(gateway.port);
  await vi.waitFor(async () => expect(textOf(await ask('/func'))).toContain('broken'), patience);
});
afterAll(async () => {
  device.close();
  await gateway.stop();
});

async function ask(uri: string, more: Partial<Parameters<RawDevice['request']>[0]> = {}): Promise<Message> {
  const [path = '', query = ''] = uri.split('?');
  const segments = path.split('/').slice(1);
  const items = query.split('&').filter(Boolean);
  return device.request({
    code: method.GET,
    ...more,
    options: [
      ...segments.map((segment) => stringOption(optionNumber.uriPath, segment)),
      ...items.map((item) => stringOption(optionNumber.uriQuery, item)),
      uintOption(optionNumber.block2, 6),
      ...(more.options ?? []),
    ],
  });
}

const codeOf = async (uri: string): Promise<number> => (await ask(uri)).code;
const textOf = (message: Message): string => Buffer.from(message.payload).toString();

describe('calls', () => {
  test('what a rule allows is called', async () => {
    expect(await codeOf('/func/math/add?a=1&b=2')).toBe(responseCode.content);
    expect(await codeOf('/f/1/0?a=1&b=2')).toBe(responseCode.content);
  });

  test.each(['/func/math/sub?a=1&b=2', '/func/date/date?format=date', '/func/math/sub?_describe', '/f/1/1?a=1&b=2'])(
    '%s, which an identity may, is 4.01 with problem 34',
    async (uri) => {
      const answer = await ask(uri);
      expect(answer.code).toBe(responseCode.unauthorized);
      expect(decodeCbor(answer.payload)).toEqual({ 'funcoap:e': new Map([[0, 34]]) });
    },
  );

  test('what nobody may is 4.03 with problem 33', async () => {
    const answer = await ask('/func/oslist/list');
    expect(answer.code).toBe(responseCode.forbidden);
    expect(decodeCbor(answer.payload)).toEqual({ 'funcoap:e': new Map([[0, 33]]) });
  });

  test('_why says who, what and where it is decided, or how to say who one is', async () => {
    expect(textOf(await ask('/func/oslist/list?_why'))).toContain(
      'local may not call oslist/list; the access rules of the gateway say who may.',
    );
    expect(textOf(await ask('/func/math/sub?_why'))).toContain('math/sub is for who has an identity');
  });

  test('a resource that an identity may use is 4.01', async () => {
    expect(await codeOf('/clock')).toBe(responseCode.unauthorized);
    expect(textOf(await ask('/clock?_why'))).toContain('/clock is for who has an identity');
  });

  test('what is not there is 4.04 as before', async () => {
    expect(await codeOf('/nothing')).toBe(responseCode.notFound);
    expect(await codeOf('/func/math/none')).toBe(responseCode.notFound);
  });
});

describe('discovery shows what may be called', () => {
  const links = async (uri: string): Promise<string[]> =>
    parseLinkFormat(textOf(await ask(uri, { options: [uintOption(optionNumber.accept, 40)] }))).map(
      ({ target }) => target,
    );

  test('in /.well-known/core, without and with a filter', async () => {
    expect(await links('/.well-known/core')).toEqual(['/func', '/func/broken', '/func/math']);
    expect(await links('/.well-known/core?rt=func')).toEqual(['/func/math/add']);
    expect(await links('/.well-known/core?href=/func/date*')).toEqual([]);
  });

  test('in /func and /func/{library}', async () => {
    expect(await links('/func')).toEqual(['/func/broken', '/func/math']);
    expect(decodeCbor((await ask('/func')).payload)).toMatchObject({ math: { functions: 1 } });
    expect(await links('/func/math')).toEqual(['/func/math/add']);
    expect(Object.keys((decodeCbor((await ask('/func/math')).payload) as { functions: object }).functions)).toEqual([
      'add',
    ]);
    expect(await codeOf('/func/date')).toBe(responseCode.notFound);
  });

  test('in /f/{library id}', async () => {
    expect(await links('/f/1')).toEqual(['/func/math/add']);
    expect(await codeOf('/f/0')).toBe(responseCode.notFound);
    expect(textOf(await ask('/f/0?_why'))).toContain('There is no library 0');
    expect(textOf(await ask('/f/0?_why'))).not.toContain('date');
  });

  test('in ?_describe', async () => {
    expect(await codeOf('/func/math/add?_describe')).toBe(responseCode.content);
  });
});

describe('the link settings of a rule hold', () => {
  test('for the blocks of an answer to who has stated no size', async () => {
    const other = await RawDevice.open(gateway.port);
    const options = ['func', 'math'].map((segment) => stringOption(optionNumber.uriPath, segment));
    const answer = await other.request({ code: method.GET, options });
    other.close();
    expect(answer.payload.length).toBe(16);
  });

  test('for the longest body', async () => {
    const payload = utf8(JSON.stringify({ a: 1, b: 2, more: 'x'.repeat(100) }));
    const options = [uintOption(optionNumber.contentFormat, 50)];
    expect((await ask('/func/math/add', { code: method.POST, payload, options })).code).toBe(
      responseCode.requestEntityTooLarge,
    );
  });
});
