/**
 * A process for one network namespace, for transport.namespace.test.ts.
 *   echo OPTIONS    opens the UDP transport, echoes what it receives, says what it sees
 *   probe REQUEST   sends one datagram with a plain socket and says who answered
 * Speaks lines of JSON; `echo` takes addresses to send to on its standard input and ends with it.
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { Address, DatagramReceiver } from '../../src/core/datagram.ts';
import { openListener, type ListenerOptions } from '../../src/transport/listener.ts';
import type { UdpTransport } from '../../src/transport/udp.ts';

interface ProbeRequest {
  readonly to: string;
  readonly port: number;
  readonly byte: number;
  /** How many of it; one where nothing is said. */
  readonly length?: number;
  /** Where a multicast datagram leaves: an address (IPv4) or a name (IPv6). */
  readonly interface?: string;
}

export interface ProbeResult {
  readonly from: string[];
}

interface Order {
  readonly send?: Address;
}

const [mode, argument = '{}'] = process.argv.slice(2);
const say = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

if (mode === 'echo') {
  let transport: UdpTransport | undefined;
  const receiver: DatagramReceiver = {
    receive(batch) {
      for (const { bytes, endpoint, multicast } of batch)
        say({ seen: { bytes: [...bytes], remote: endpoint.remote, local: endpoint.local.address, multicast } });
      transport?.send(batch.map((datagram) => ({ ...datagram, multicast: false })));
    },
    sendFailed: ({ endpoint, code }) => say({ failed: { remote: endpoint.remote, code } }),
  };
  transport = await openListener(JSON.parse(argument) as Partial<ListenerOptions>, receiver);
  say({ listening: transport.addresses });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order;
    if (order.send !== undefined) {
      const endpoint = transport.endpoint(order.send);
      transport.send([{ bytes: Uint8Array.of(1), endpoint, multicast: false }]);
    } else say({ counters: transport.counters, addresses: transport.addresses });
  }
  await transport.close();
} else {
  const { to, port, byte, length = 1, interface: name } = JSON.parse(argument) as ProbeRequest;
  const ipv4 = !to.includes(':');
  const socket = createSocket(ipv4 ? 'udp4' : 'udp6');
  const from: string[] = [];
  const done = (): void => {
    say({ from } satisfies ProbeResult);
    socket.close();
  };
  // Long enough for a second answer, which must not come.
  setTimeout(done, 400);
  socket.on('message', (_bytes, remote) => from.push(remote.address));
  socket.bind(0, () => {
    if (name !== undefined) socket.setMulticastInterface(ipv4 ? name : `::%${name}`);
    socket.send(new Uint8Array(length).fill(byte), port, to);
  });
}
