/** Where a peer was, as text in the tail of an association's slot: | length 1 | remote, its port, local, its port, loopback | */
import { isIP } from 'node:net';
import { textOf, utf8 } from '../../core/bytes.ts';
import type { Endpoint } from '../../core/datagram.ts';

export type Place = Pick<Endpoint, 'remote' | 'local' | 'loopback'>;

/** Two IPv6 addresses with zones, which are names of interfaces, fit. */
export const placeBytes = 128;

export function encodePlace({ remote, local, loopback }: Place): Uint8Array {
  const text = [remote.address, remote.port, local.address, local.port, loopback ? 1 : 0].join(' ');
  const bytes = utf8(text).subarray(0, placeBytes - 1);
  return Uint8Array.of(bytes.length, ...bytes);
}

/** Undefined where it is none. */
export function decodePlace(tail: Uint8Array): Place | undefined {
  const text = textOf(tail.subarray(1, 1 + (tail[0] ?? 0)));
  const [remote = '', remotePort, local = '', localPort, loopback] = text?.split(' ') ?? [];
  const ports = [Number(remotePort), Number(localPort)] as const;
  if (isIP(remote) === 0 || isIP(local) === 0 || !ports.every(isPort)) return undefined;
  return {
    remote: { address: remote, port: ports[0] },
    local: { address: local, port: ports[1] },
    loopback: loopback === '1',
  };
}

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 0xffff;
