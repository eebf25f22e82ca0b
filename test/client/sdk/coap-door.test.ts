/** What is particular to the door over CoAP. */
import { expect, test } from 'vitest';
import { method } from '../../../src/coap/codec/codes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

test('a body that takes several blocks is sent to be answered, also where nobody wants the answer', async () => {
  const gateway = new ScriptedGateway();
  gateway.parameters = [{ name: 'text', id: 0, type: 'string', required: true }];
  const gw = await gateway.open();
  for (const length of [100, 5000])
    expect(await gateway.pass(gw.lib.write.with({ oneway: true })('x'.repeat(length)))).toBeUndefined();
  await gateway.wait(seconds(1));
  expect(gateway.calls).toEqual([method.POST, method.POST]);
});
