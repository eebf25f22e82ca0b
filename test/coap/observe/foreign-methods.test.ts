import { expect, test } from 'vitest';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { optionNumber, uintOption } from '../../../src/coap/codec/options.ts';
import { response } from '../../../src/coap/response.ts';
import { Lockstep } from '../lockstep.ts';

test('Observe 1 ends nothing with a method it has no meaning with, nor by multicast (RFC 7641 §2)', () => {
  const peer = new Lockstep((request, engine, now) =>
    response(responseCode.content, { observation: engine.observe(request, () => undefined, now) }),
  );
  const token = Uint8Array.of(7);
  peer.send({ code: method.GET, messageId: 1, token, options: [uintOption(optionNumber.observe, 0)] });
  const options = [uintOption(optionNumber.observe, 1)];
  peer.send({ code: method.POST, messageId: 2, token, options });
  peer.send({ type: messageType.NON, code: method.GET, messageId: 3, token, options }, 'device', true);
  expect(peer.engine.counters().observations).toBe(1);
  peer.send({ code: method.GET, messageId: 4, token, options });
  expect(peer.engine.counters().observations).toBe(0);
});
