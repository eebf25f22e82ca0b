/** When a call is tried again, on a clock that the test moves. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { method, responseCode, type ResponseCode } from '../../../src/coap/codec/codes.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { RequestError } from '../../../src/client/request-error.ts';
import type { DoorAnswer } from '../../../src/client/sdk/door.ts';
import { comeBackIn, passed, throughOutages } from '../../../src/client/sdk/retries.ts';
import { milliseconds, seconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { CallError, problems, type ProblemName } from '../../../src/functions/call-error.ts';
import { encodeProblem } from '../../../src/functions/problem-details.ts';
import { ScriptedGateway, value } from './scripted-gateway.ts';

function refusal(name: ProblemName, maxAge: number): Response {
  const error = new CallError(name, 'Not now.');
  return response(error.problem.status as ResponseCode, {
    contentFormat: contentFormat.problemDetails,
    payload: encodeProblem(error, { words: false, internals: false }),
    maxAge,
  });
}

/** Loses all that the client sends again and again for one request: 5 transmissions in 93 s (RFC 7252 §4.8.2). */
function loseOneRequest(gateway: ScriptedGateway): void {
  const { scheduler } = gateway.network;
  const end = scheduler.now() + 93_000;
  gateway.loses = () => scheduler.now() < end;
}

test('P20: a safe call is asked again where there was no answer', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  await gateway.pass(gw.lib.read.describe());
  loseOneRequest(gateway);
  gateway.script.push(value('at last'));
  expect(await gateway.pass(gw.lib.read.with({ timeout: seconds(200) })(), 200)).toBe('at last');
  expect(gateway.calls).toEqual([method.FETCH]);
});

test('P20: an unsafe call that may have arrived is not sent again', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  await gateway.pass(gw.lib.write.describe());
  loseOneRequest(gateway);
  const call = gw.lib.write.with({ timeout: seconds(200) })();
  await expect(gateway.pass(call, 200)).rejects.toMatchObject({ code: 'request-timeout' });
  gateway.loses = () => false;
  gateway.script.push('silent');
  const acknowledged = gw.lib.write.with({ timeout: seconds(20) })();
  await expect(gateway.pass(acknowledged, 200)).rejects.toMatchObject({ code: 'request-timeout' });
  expect(gateway.calls).toEqual([method.POST]);
});

test.each<ProblemName>(['rate-exceeded', 'overloaded'])(
  '%s: nothing has run, so any call is asked again when the gateway says',
  async (name) => {
    const gateway = new ScriptedGateway();
    const gw = await gateway.open();
    gateway.script.push(refusal(name, 7), refusal(name, 7));
    const started = gateway.network.scheduler.now();
    expect(await gateway.pass(gw.lib.write(), 100)).toBeUndefined();
    expect(gateway.calls).toEqual([method.POST, method.POST, method.POST]);
    expect(gateway.network.scheduler.now() - started).toBeGreaterThan(14_000);
  },
);

test('5.03 for another reason may be after it ran: only a safe call is asked again', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  gateway.script.push(refusal('not-ready', 1));
  await expect(gateway.pass(gw.lib.write())).rejects.toMatchObject({
    code: 'not-ready',
    status: '5.03',
    retryAfter: seconds(1),
  });
  gateway.script.push(refusal('not-ready', 1), value('there'));
  expect(await gateway.pass(gw.lib.read())).toBe('there');
  expect(gateway.calls).toEqual([method.POST, method.FETCH, method.FETCH]);
});

test('what the gateway says to wait is not waited for beyond the timeout, nor more often than `retries`', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  gateway.script.push(refusal('overloaded', 100));
  await expect(gateway.pass(gw.lib.read.with({ timeout: seconds(50) })())).rejects.toMatchObject({
    code: 'overloaded',
  });
  gateway.script.push(refusal('overloaded', 1), refusal('overloaded', 1));
  await expect(gateway.pass(gw.lib.read.with({ retries: 1 })())).rejects.toMatchObject({ code: 'overloaded' });
  expect(gateway.calls).toHaveLength(3);
});

test('P18: a signal ends the wait before the next try', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  const controller = new AbortController();
  gateway.script.push(refusal('overloaded', 30));
  const call = gw.lib.read.with({ signal: controller.signal })();
  call.catch(() => {});
  await gateway.wait(seconds(1));
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: 'request-aborted' });
  expect(gateway.calls).toHaveLength(1);
});

test('RFC 7252 §5.6: fresh as long as Max-Age says, then confirmed by ETag', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  const etag = Uint8Array.of(1, 2, 3, 4);
  gateway.script.push(value('kept', 10, etag), response(responseCode.valid, { etag, maxAge: 10 }), value('new', 10));
  expect(await gateway.pass(gw.lib.read())).toBe('kept');
  expect(await gateway.pass(gw.lib.read())).toBe('kept');
  expect(gateway.calls).toHaveLength(1);
  await gateway.wait(seconds(11));
  expect(await gateway.pass(gw.lib.read())).toBe('kept');
  expect(await gateway.pass(gw.lib.read())).toBe('kept');
  expect(gateway.calls).toHaveLength(2);
  await gateway.wait(seconds(11));
  expect(await gateway.pass(gw.lib.read())).toBe('new');
});

test('a call whose time is over is not tried again', async () => {
  const gateway = new ScriptedGateway();
  const gw = await gateway.open();
  await gateway.pass(gw.lib.read.describe());
  gateway.loses = () => true;
  const { scheduler } = gateway.network;
  const started = scheduler.now();
  const call = gw.lib.read.with({ timeout: seconds(10) })();
  await expect(gateway.pass(call)).rejects.toMatchObject({ code: 'request-timeout' });
  expect(scheduler.now() - started).toBeLessThanOrEqual(10_100);
});

test('an unsafe batch of which a part has run is not made again', () => {
  const refused = (index: number): DoorAnswer => ({
    code: responseCode.serviceUnavailable,
    contentFormat: contentFormat.problemDetails,
    payload: encodeCbor({
      'funcoap:e': new Map<number, Value>([
        [0, problems.overloaded.number],
        [4, [index, []]],
      ]),
    }),
    etag: undefined,
    maxAge: seconds(7),
  });
  expect([comeBackIn(refused(0), false), comeBackIn(refused(1), false)]).toEqual([7000, undefined]);
});

test('nobody waits who has given up before', async () => {
  const { scheduler } = new ScriptedGateway().network;
  const waited = passed(seconds(5), scheduler, AbortSignal.abort(), 'coap://192.0.2.1');
  await expect(waited).rejects.toMatchObject({ code: 'request-aborted' });
});

test('the signal is let go of when the wait is over', async () => {
  const gateway = new ScriptedGateway();
  const { signal } = new AbortController();
  await gateway.pass(passed(seconds(5), gateway.network.scheduler, signal, 'coap://192.0.2.1'), 1000);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a gateway that is heard in between may be away again for as long, and is asked again as soon', async () => {
  const gateway = new ScriptedGateway();
  const { scheduler } = gateway.network;
  const origin = 'coap://192.0.2.1';
  let asked = 0;
  const ask = async (heard: () => void): Promise<string> => {
    heard();
    if (++asked < 5) throw new RequestError('association-closed', origin);
    return await Promise.resolve('there');
  };
  const options = { longest: milliseconds(300), scheduler, signal: undefined, origin };
  const started = scheduler.now();
  expect(await gateway.pass(throughOutages(ask, options))).toBe('there');
  expect(scheduler.now() - started).toBeLessThan(1000);
});
