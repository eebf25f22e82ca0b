/**
 * A port of HTTP that several processes are to share: tried once alone, which fails where anybody has it, and left again for
 * them, because with SO_REUSEPORT they would silently divide it with whoever is there. Connections are divided by the
 * kernel; one that waits at a process that ends is reset, and clients connect again.
 */
import { Listener } from '../http/listener.ts';

/** The port that was asked for; where that was 0, one that is free on all addresses. @throws UsageError 'cannot-listen' */
export async function claimHttpPort(
  scheme: 'http' | 'https',
  { listen, port }: { readonly listen: readonly string[]; readonly port: number },
): Promise<number> {
  if (listen.length === 0) return port;
  const alone = {
    scheme,
    addresses: listen,
    port,
    tls: undefined,
    maxConnections: 1,
    peers: undefined,
    reusePort: false,
  };
  const listener = await Listener.open({ ...alone, handle: (_, response) => response.destroy() }, new WeakMap());
  const [bound] = listener.addresses;
  await listener.close();
  return bound?.port ?? port;
}
