/** A port is claimed for several processes only where it is nobody's. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimPort, type PortClaim } from '../../src/processes/port-claim.ts';

const claims: PortClaim[] = [];
const sockets: Socket[] = [];

beforeEach(({ skip }) => {
  if (process.platform !== 'linux') skip('only Linux divides the peers of a port');
});
afterEach(async () => {
  for (const claim of claims.splice(0)) claim.release();
  for (const socket of sockets.splice(0)) {
    socket.close();
    await once(socket, 'close');
  }
});

async function claim(port: number, ...listen: string[]): Promise<PortClaim> {
  const made = await claimPort({ listen: listen.length === 0 ? ['127.0.0.1'] : listen, port });
  claims.push(made);
  return made;
}

async function bind(port: number, address: string, reusePort: boolean): Promise<number> {
  const socket = createSocket({ type: 'udp4', reusePort });
  sockets.push(socket);
  socket.bind({ port, address, exclusive: true });
  await once(socket, 'listening');
  return socket.address().port;
}

test('port 0 becomes one that is free on all addresses, and is left for the processes to bind', async () => {
  const { port, addresses } = await claim(0, '127.0.0.1', '127.0.0.2');
  expect(addresses).toEqual(['127.0.0.1', '127.0.0.2']);
  expect(await bind(port, '127.0.0.2', true)).toBe(port);
  expect(await bind(port, '127.0.0.2', true)).toBe(port);
});

test('a port that is claimed is not claimed again, though nobody has bound it yet', async () => {
  const { port } = await claim(0);
  await expect(claim(port)).rejects.toThrow(/^Cannot listen on UDP 127\.0\.0\.1:\d+: another program has this port\./);
  await expect(claim(port, '0.0.0.0')).rejects.toMatchObject({ code: 'cannot-listen' });
  claims.pop()?.release();
  expect((await claim(port)).port).toBe(port);
});

test.each([true, false])('a port that somebody has is not claimed, with SO_REUSEPORT %s', async (reusePort) => {
  const port = await bind(0, '127.0.0.1', reusePort);
  await expect(claim(port)).rejects.toMatchObject({ code: 'cannot-listen' });
  await expect(claim(port, '127.0.0.2', '127.0.0.1')).rejects.toMatchObject({ code: 'cannot-listen' });
  expect((await claim(port, '127.0.0.2')).port).toBe(port);
});

test('an address that this machine does not have is left out where there is another', async () => {
  expect((await claim(0, '127.0.0.1', '192.0.2.77')).addresses).toEqual(['127.0.0.1']);
  await expect(claim(0, '192.0.2.77')).rejects.toThrow('no interface of this machine has the address 192.0.2.77');
});
