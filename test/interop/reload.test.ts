/** Libraries that change while the gateway runs, against the real process. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { findOption, optionNumber, stringOption, uintOption } from '../../src/coap/codec/options.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RawDevice } from '../gateway/raw-device.ts';
import { patience } from '../patience.ts';

let gateway: GatewayProcess;
let device: RawDevice;
beforeAll(async () => {
  gateway = await GatewayProcess.start({
    libraries: { 'steady/index.ts': '/** @safe */ export function here(): boolean { return true; }' },
  });
  device = await RawDevice.open(gateway.port);
});
afterAll(async () => {
  device.close();
  await gateway.stop();
});

const greeting = (text: string): string =>
  `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
/**
 * @pure
 * @maxAge 240
 */
export function greet(name: string): string { return '${text}, ' + name; }
/** @safe */
export async function slowly(): Promise<string> {
  appendFileSync('$MARKS', 'x');
  await sleep(800);
  return '${text}';
}
`;

const call = async (library: string, name: string, args?: Parameters<typeof encodeCbor>[0]): Promise<Message> =>
  device.request({
    code: method.FETCH,
    options: ['func', library, name].map((segment) => stringOption(optionNumber.uriPath, segment)),
    ...(args !== undefined && { payload: encodeCbor(args) }),
  });

const get = async (query: string[], ...path: string[]): Promise<Message> =>
  device.request({
    code: method.GET,
    options: [
      ...path.map((segment) => stringOption(optionNumber.uriPath, segment)),
      ...query.map((item) => stringOption(optionNumber.uriQuery, item)),
      uintOption(optionNumber.block2, 6),
      ...(path[0] === 'func' ? [uintOption(optionNumber.accept, 50)] : []),
    ],
  });

const textOf = (message: Message): string => Buffer.from(message.payload).toString();

describe('a library that comes, changes and goes', () => {
  test('one dropped into the folder is callable at once', async () => {
    expect((await call('greeter', 'greet', ['you'])).code).toBe(responseCode.notFound);
    gateway.write({ 'greeter/index.ts': greeting('Hello') });
    expect(decodeCbor((await call('greeter', 'greet', ['you'])).payload)).toBe('Hello, you');
  });

  test('edited so that its result differs: the next call runs the new code, the ETag changes, no call in flight fails', async () => {
    const before = await call('greeter', 'greet', ['you']);
    const other = await RawDevice.open(gateway.port);
    const inFlight = other.request({
      code: method.FETCH,
      options: ['func', 'greeter', 'slowly'].map((segment) => stringOption(optionNumber.uriPath, segment)),
    });
    await vi.waitFor(() => expect(gateway.marks).toBe(1), patience);
    gateway.write({ 'greeter/index.ts': greeting('Goodbye') });
    const after = await call('greeter', 'greet', ['you']);
    expect(decodeCbor(after.payload)).toBe('Goodbye, you');
    expect(findOption(after.options, optionNumber.etag)).not.toEqual(findOption(before.options, optionNumber.etag));
    expect(decodeCbor((await inFlight).payload)).toBe('Hello');
    other.close();
  });

  test('ids stay when a function is put in the middle', async () => {
    const described = async (): Promise<Record<string, { id: number }>> => {
      const { functions } = JSON.parse(textOf(await get([], 'func', 'greeter'))) as {
        functions: Record<string, { id: number }>;
      };
      return functions;
    };
    const before = await described();
    gateway.write({
      'greeter/index.ts': `/** @safe */ export function fresh(): number { return 1; }\n${greeting('Goodbye')}`,
    });
    const after = await described();
    expect([after['greet']?.id, after['slowly']?.id]).toEqual([before['greet']?.id, before['slowly']?.id]);
    expect(after['fresh']?.id).toBe(2);
  });

  test('one with a syntax error takes no other down; the error is where a person looks', async () => {
    gateway.write({ 'broken/index.ts': 'export function f( {' });
    const answer = await call('broken', 'f');
    expect(answer.code).toBe(responseCode.internalServerError);
    expect((await call('steady', 'here')).code).toBe(responseCode.content);
    expect(decodeCbor((await call('greeter', 'greet', ['you'])).payload)).toBe('Goodbye, you');

    const catalogue = JSON.parse(textOf(await get([], 'func'))) as Record<string, { error?: string }>;
    expect(catalogue['broken']?.error).toMatch(/index\.ts:1/);
    expect(textOf(await get([], '.well-known', 'core'))).toMatch(/<\/func\/broken>[^,]*;err/);
    expect(textOf(await get(['_why'], 'func', 'broken', 'f'))).toMatch(/does not load/);
    await vi.waitFor(() => expect(JSON.stringify(gateway.log)).toMatch(/broken.*index\.ts:1/), patience);
  });

  test('an edit that does not load leaves the last good version in service', async () => {
    gateway.write({ 'greeter/index.ts': 'export function greet( {' });
    expect(decodeCbor((await call('greeter', 'greet', ['you'])).payload)).toBe('Goodbye, you');
    const catalogue = JSON.parse(textOf(await get([], 'func'))) as Record<
      string,
      { error?: string; functions: number }
    >;
    expect(catalogue['greeter']).toMatchObject({ functions: 3, error: expect.stringMatching(/index\.ts:1/) as string });
    gateway.write({ 'greeter/index.ts': greeting('Back') });
    expect(decodeCbor((await call('greeter', 'greet', ['you'])).payload)).toBe('Back, you');
  });

  test('one that is deleted is gone', async () => {
    gateway.remove('greeter');
    expect((await call('greeter', 'greet', ['you'])).code).toBe(responseCode.notFound);
  });
});
