/** A CoAP server at 192.0.2.1, and the transport of clients at 192.0.2.2, on one network in memory. */
import type { CoapClientOptions } from '../../src/client/coap-client.ts';
import { CoapEngine, defaultEngineLimits } from '../../src/coap/engine.ts';
import { defaultParameters } from '../../src/coap/parameters.ts';
import type { Request } from '../../src/coap/request.ts';
import { drive } from '../../src/transport/driver.ts';
import type { MemoryNetwork } from '../../src/transport/memory.ts';

export interface MemoryServer {
  readonly openTransport: NonNullable<CoapClientOptions['openTransport']>;
  /** To be called once the engine has something to send that no datagram brought about. */
  readonly wake: () => void;
}

/** @param handle is given the engine too, which answers */
export async function openMemoryServer(
  network: MemoryNetwork,
  handle: (request: Request, engine: CoapEngine) => void,
): Promise<MemoryServer> {
  const { scheduler } = network;
  const engine: CoapEngine = new CoapEngine(
    {
      limits: defaultEngineLimits,
      parametersFor: () => defaultParameters,
      random: { uniform: () => 0.5, bytes: (length) => new Uint8Array(length) },
      seal: (input) => input,
      now: scheduler.now(),
    },
    { handle: (request) => handle(request, engine) },
  );
  const { wake } = await drive(
    engine,
    (receiver) => network.open({ address: '192.0.2.1', port: 5683 }, receiver),
    scheduler,
  );
  return { wake, openTransport: (receiver) => network.open({ address: '192.0.2.2', port: 0 }, receiver) };
}
