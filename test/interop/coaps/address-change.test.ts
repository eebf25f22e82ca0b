/** The running gateway behind a NAT that gives the client a new port with every second datagram: with a Connection ID (RFC 9146), and without. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import type { CoapRequest } from '../../../src/client/coap-request.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { PortChangingProxy } from './port-changing-proxy.ts';
import { RunningGateway } from './running-gateway.ts';

let gateway: RunningGateway;
let proxy: PortChangingProxy;
let client: CoapClient;
beforeAll(async () => {
  gateway = await RunningGateway.start({ authority: false });
  await gateway.enroll('meter');
});
afterAll(() => gateway.stop());
beforeEach(async () => {
  proxy = await PortChangingProxy.open({ address: '127.0.0.1', port: gateway.port });
});
afterEach(async () => {
  await client.close();
  proxy.close();
});

const open = async (connectionId: boolean): Promise<void> => {
  const preSharedKey = { identity: utf8('meter'), key: utf8(gateway.keyOf('meter')) };
  client = await openCoapClient({ credentials: { preSharedKey }, connectionId });
};

async function value(path: string, more: Partial<CoapRequest> = {}): Promise<unknown> {
  const uri = `coaps://127.0.0.1:${proxy.port}${path}`;
  const answer = await client.request({ uri, method: 'GET', timeout: seconds(20), ...more });
  expect(dotted(answer.code)).toMatch(/^2\./);
  return decodeCbor(answer.payload);
}

describe('with a Connection ID', () => {
  beforeEach(() => open(true));

  test('every call completes, and the function sees where its caller is now', async () => {
    const peers = new Set<unknown>();
    for (let a = 0; a < 40; a++) {
      expect(await value(`/func/sum/add?a=${a}&b=1`)).toBe(a + 1);
      peers.add(await value('/func/who/peer'));
    }
    // What the gateway asks to know that the client receives there (RFC 9853) is answered from there too.
    expect(proxy.ports).toBeGreaterThanOrEqual(40);
    expect(peers.size).toBeGreaterThan(30);
    expect(await value('/func/who/am')).toBe('meter');
  });

  test('bodies and answers in blocks do', async () => {
    expect(await value('/func/text/long?lines=300', { blockSize: 64 })).toHaveLength(32 * 300);
    const payload = encodeCbor(['x'.repeat(20_000)]);
    expect(await value('/func/text/lengthOf', { method: 'POST', payload, contentFormat: 60, blockSize: 256 })).toBe(
      20_000,
    );
    expect(proxy.ports).toBeGreaterThan(100);
  });

  test('an observation goes on, and so does a separate answer', async () => {
    const states = client.observe({ uri: `coaps://127.0.0.1:${proxy.port}/clock`, method: 'GET' });
    for (let seen = 0; seen < 4; seen++) {
      const state = await states.next();
      expect(state.done).toBe(false);
      expect(await value('/func/text/slow')).toBe('at last');
    }
    await states.return();
    expect(proxy.ports).toBeGreaterThan(4);
  });
});

test('without one the gateway does not know the new port, and nothing is answered', async () => {
  await open(false);
  expect(await value('/func/who/am')).toBe('meter');
  await expect(value('/func/who/am', { timeout: seconds(3) })).rejects.toMatchObject({ code: 'request-timeout' });
});
