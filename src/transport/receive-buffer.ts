/**
 * The socket receive buffer. A burst of a thousand devices loses most of its datagrams in the default
 * one; stock Linux caps what a program may ask for, so the size is read back.
 */
import type { Socket } from 'node:dgram';
import { channels } from '../core/channels.ts';

/** Loses none of a burst of a thousand datagrams; no RFC names a size. */
export const defaultReceiveBufferBytes: number = 4 * 1024 * 1024;

/** Linux doubles what it is asked for, for its own bookkeeping, and reports the double (socket(7)). */
const bookkeeping = process.platform === 'linux' ? 2 : 1;

/** @returns the bytes really granted */
export function setReceiveBuffer(socket: Socket, wantedBytes: number): number {
  try {
    socket.setRecvBufferSize(wantedBytes);
  } catch {
    // Some systems refuse instead of granting less; what there is is read back all the same.
  }
  return Math.floor(socket.getRecvBufferSize() / bookkeeping);
}

export function reportReceiveBuffer(grantedBytes: number, wantedBytes: number): void {
  if (grantedBytes >= wantedBytes) return;
  const setting = process.platform === 'linux' ? 'net.core.rmem_max' : 'kern.ipc.maxsockbuf';
  channels.transport.publish({
    kind: 'receive-buffer',
    message:
      `The receive buffer of UDP sockets is ${grantedBytes} bytes instead of ${wantedBytes}: ` +
      `bursts of datagrams will be lost. Raise it with: sysctl -w ${setting}=${wantedBytes}`,
  });
}
