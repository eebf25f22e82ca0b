/** Two transports under one engine: datagrams in the clear, and those of associations. */
import type { Address, Datagram, DatagramReceiver, DatagramTransport, Endpoint } from '../core/datagram.ts';
import { associationOf } from '../dtls/association.ts';
import type { SecuredTransport } from './secured-transport.ts';

export class JoinedTransport<Plain extends DatagramTransport> implements DatagramTransport {
  readonly plain: Plain;
  readonly #receiver: DatagramReceiver;
  #secured: SecuredTransport | undefined;

  private constructor(plain: Plain, receiver: DatagramReceiver) {
    this.plain = plain;
    this.#receiver = receiver;
  }

  /** @param openSecured undefined: there is nothing but the first, for now */
  static async open<Plain extends DatagramTransport>(
    openPlain: (receiver: DatagramReceiver) => Promise<Plain> | Plain,
    openSecured: ((receiver: DatagramReceiver) => Promise<SecuredTransport>) | undefined,
    receiver: DatagramReceiver,
  ): Promise<JoinedTransport<Plain>> {
    const plain = await openPlain(receiver);
    const joined = new JoinedTransport(plain, receiver);
    try {
      if (openSecured !== undefined) await joined.secure(openSecured);
      return joined;
    } catch (error) {
      await plain.close();
      throw error;
    }
  }

  get secured(): SecuredTransport | undefined {
    return this.#secured;
  }

  /** Opens the second one beside the first, which goes on meanwhile. */
  async secure(open: (receiver: DatagramReceiver) => Promise<SecuredTransport>): Promise<void> {
    this.#secured = await open(this.#receiver);
  }

  /** Those in the clear. */
  get addresses(): readonly Address[] {
    return this.plain.addresses;
  }

  endpoint(remote: Address): Endpoint {
    return this.plain.endpoint(remote);
  }

  send(batch: readonly Datagram[]): void {
    const { plain, secured } = this;
    // Nearly every batch answers one that came, and so is of one kind.
    if (secured === undefined || !batch.some(isSecured)) plain.send(batch);
    else if (batch.every(isSecured)) secured.send(batch);
    else {
      plain.send(batch.filter((datagram) => !isSecured(datagram)));
      secured.send(batch.filter(isSecured));
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.plain.close(), this.secured?.close()]);
  }
}

const isSecured = ({ endpoint }: Datagram): boolean => associationOf(endpoint) !== undefined;
