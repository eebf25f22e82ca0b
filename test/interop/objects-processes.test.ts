/** Objects of a gateway of several processes. Real processes. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { dotted, method } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { findStrings, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import type { Value } from '../../src/core/value.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import type { RawDevice } from '../gateway/raw-device.ts';
import { oneOfEach, probe } from '../processes/devices.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const desk = `
export class Counter { value: number = 0; add(by: number): number { return (this.value += by); } }
/** @instance single */
export class Hall { value: number = 0; add(by: number): number { return (this.value += by); } }
`;

const ask = async (device: RawDevice, code: number, path: string, ...args: Value[]): Promise<Message> => {
  const segments = path.split('/').filter(Boolean);
  const options = segments.map((segment) => stringOption(optionNumber.uriPath, segment));
  return await device.request({ code, options, payload: encodeCbor(args) }, 20_000);
};
const placeOf = ({ options }: Message): string => (findStrings(options, optionNumber.locationPath) ?? []).join('/');
const made = async (device: RawDevice, name: string): Promise<string> =>
  placeOf(await ask(device, method.POST, `func/desk/${name}`));
const added = async (device: RawDevice, path: string): Promise<unknown> => {
  const { code, payload } = await ask(device, method.POST, `${path}/add`, 1);
  return code < 0x80 ? decodeCbor(payload) : dotted(code);
};

describe.runIf(process.platform === 'linux')('a gateway of two processes', () => {
  test('has each object in the process that made it, for a peer that stays at its address, and one instance for all in each', async () => {
    const gateway = await GatewayProcess.start({
      libraries: { 'probe/index.ts': probe, 'desk/index.ts': desk },
      settings: ['processes=2'],
    });
    onTestFinished(() => gateway.stop());
    const [first, second, ...more] = (await oneOfEach(gateway.port, 2)).values();
    if (first === undefined || second === undefined) throw new RangeError('two devices are needed');
    onTestFinished(() => [first, second, ...more].forEach((device) => device.close()));
    const counter = await made(first, 'Counter');
    for (let i = 1; i <= 20; i++) expect(await added(first, counter)).toBe(i);
    expect(await added(second, counter)).toBe('4.04');
    const [ours, theirs] = [await made(first, 'Hall'), await made(second, 'Hall')];
    expect([await added(first, ours), await added(first, ours), await added(second, theirs)]).toEqual([1, 2, 1]);
    expect(dotted((await ask(first, method.DELETE, counter)).code)).toBe('2.02');
    expect(await added(first, counter)).toBe('4.04');
  });
});
