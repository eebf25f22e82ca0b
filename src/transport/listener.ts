/** Which of the two UDP transports listens: the native one where it can be had, else the portable one. */
import type { DatagramReceiver } from '../core/datagram.ts';
import { channels } from '../core/channels.ts';
import { UsageError } from '../core/error.ts';
import { findAddon } from './native/compile.ts';
import { openUdpBatch } from './udp-batch.ts';
import { openUdp, type UdpOptions, type UdpTransport } from './udp.ts';

export interface ListenerOptions extends UdpOptions {
  /** `auto`, the default, is `native` where it can be had; where it cannot, one notice says why and what it costs. */
  readonly transport: 'auto' | 'native' | 'dgram';
}

/**
 * @throws UsageError when no address can be bound, or when `native` is asked for and cannot be had
 */
export async function openListener(
  { transport = 'auto', ...options }: Partial<ListenerOptions>,
  receiver: DatagramReceiver,
  find: typeof findAddon = findAddon,
): Promise<UdpTransport> {
  if (transport === 'dgram') return openUdp(options, receiver);
  const found = await find();
  if (found.missing === undefined) return openUdpBatch(found.addon, options, receiver);
  if (transport === 'native')
    throw new UsageError(
      'no-native-transport',
      `coap.transport is native, which cannot be had because ${found.missing}. Mend that, or set it to auto.`,
    );
  channels.transport.publish({
    kind: 'portable-transport',
    message:
      `The portable UDP transport is used because the native one cannot be had: ${found.missing}. ` +
      'It moves about half as many datagrams per second. With coap.transport set to dgram this is not said.',
  });
  return openUdp(options, receiver);
}
