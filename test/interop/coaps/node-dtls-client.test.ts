/**
 * npm's node-dtls-client against the running gateway. It sends no extended master secret (RFC 7627), as many devices of today do not:
 * it comes in where its identity is marked `allowLegacyMasterSecret`, and nowhere else.
 */
import { once } from 'node:events';
import { dtls } from 'node-dtls-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whoAmI } from './request.ts';
import { RunningGateway } from './running-gateway.ts';

const suites = ['TLS_PSK_WITH_AES_128_CCM_8', 'TLS_PSK_WITH_AES_128_CCM', 'TLS_PSK_WITH_AES_128_GCM_SHA256'] as const;

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start({ authority: false });
  await gateway.enroll('old', ' --allow-legacy-master-secret');
  await gateway.enroll('new');
});
afterAll(() => gateway.stop());

function connect(name: string, suite: (typeof suites)[number]): dtls.Socket {
  return dtls.createSocket({
    type: 'udp4',
    address: '127.0.0.1',
    port: gateway.port,
    psk: { [name]: gateway.keyOf(name) },
    ciphers: [suite],
    timeout: 3000,
  });
}

test.each(suites)('%s', async (suite) => {
  const socket = connect('old', suite);
  await once(socket, 'connected');
  const answered = once(socket, 'message');
  socket.send(Buffer.from(whoAmI()));
  const [answer] = (await answered) as [Buffer];
  expect(answer.toString('latin1')).toMatch(/old$/);
  const closed = once(socket, 'close');
  socket.close();
  await closed;
});

test('of an identity that is not marked is refused', async () => {
  const socket = connect('new', suites[0]);
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toBe('received fatal alert: decrypt_error');
});
