/** What callers get from a gateway that is told to stop, against the real process. */
import { describe, expect, test, vi } from 'vitest';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { stringOption, optionNumber, uintOption, findUint } from '../../src/coap/codec/options.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';
import { patience } from '../patience.ts';

const source = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
/** Takes as long as it is told. @safe */
export async function wait(ms: number): Promise<string> { appendFileSync('$MARKS', 'x'); await sleep(ms); return 'done'; }
`;

const wait = (ms: number): Parameters<RawDevice['request']>[0] => ({
  type: messageType.NON,
  code: method.GET,
  options: [
    ...['func', 'slow', 'wait'].map((segment) => stringOption(optionNumber.uriPath, segment)),
    stringOption(optionNumber.uriQuery, `ms=${ms}`),
    uintOption(optionNumber.accept, 0),
  ],
});

describe('a gateway that is told to stop', () => {
  test('finishes what it has time for, tells the rest 5.03, and refuses what is new', async () => {
    const gateway = await GatewayProcess.start({
      libraries: { 'slow/index.ts': source },
      settings: ['shutdown.grace=1s'],
    });
    const [first, second, third] = await Promise.all([
      RawDevice.open(gateway.port),
      RawDevice.open(gateway.port),
      RawDevice.open(gateway.port),
    ]);
    const answers = [first.request(wait(400)), second.request(wait(60_000))] as const;
    await vi.waitFor(() => expect(gateway.marks).toBe(2), patience);
    const stopped = gateway.stop();
    await vi.waitFor(() => expect(JSON.stringify(gateway.log)).toContain('stopping'), patience);
    const refused = await third.request(wait(1));
    const [finished, cut] = await Promise.all(answers);
    expect([finished.code, cut.code, refused.code]).toEqual([
      responseCode.content,
      responseCode.serviceUnavailable,
      responseCode.serviceUnavailable,
    ]);
    expect(findUint(cut.options, optionNumber.maxAge)).toBeGreaterThan(0);
    await stopped;
    for (const device of [first, second, third]) device.close();
  });
});
