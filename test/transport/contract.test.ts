import { networkInterfaces } from 'node:os';
import { milliseconds } from '../../src/core/duration.ts';
import { MemoryNetwork } from '../../src/transport/memory.ts';
import { openListener } from '../../src/transport/listener.ts';
import { openUdp } from '../../src/transport/udp.ts';
import { transportContract } from '../contract/transport.ts';
import { eventually } from './eventually.ts';
import { missingAddon } from './native-addon.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

for (const [address, foreign] of [
  ['127.0.0.1', '::1'],
  ['::1', '127.0.0.1'],
] as const) {
  const ipv6 = address.includes(':');
  const network = new MemoryNetwork({ random: () => 0.5 });
  transportContract({
    name: `memory, ${ipv6 ? 'IPv6' : 'IPv4'}`,
    missing: undefined,
    address,
    foreign,
    open: (port, receiver) => Promise.resolve().then(() => network.open({ address, port }, receiver)),
    until: (done) => eventually(done, () => network.advance(milliseconds(1))),
  });
  transportContract({
    name: `UDP, ${ipv6 ? 'IPv6' : 'IPv4'}`,
    missing: ipv6 && !hasIpv6 ? 'this machine has no IPv6 loopback address' : undefined,
    address,
    foreign,
    open: (port, receiver) => openUdp({ listen: [address], port }, receiver),
    until: (done) => eventually(done),
  });
  transportContract({
    name: `native UDP, ${ipv6 ? 'IPv6' : 'IPv4'}`,
    missing: missingAddon ?? (ipv6 && !hasIpv6 ? 'this machine has no IPv6 loopback address' : undefined),
    address,
    foreign,
    open: (port, receiver) => openListener({ transport: 'native', listen: [address], port }, receiver),
    until: (done) => eventually(done),
  });
}
