/**
 * DTLS as a transport: what is above it sees associations as endpoints and knows nothing of records (RFC 7252 §9.1).
 * A server's associations begin with their peers; a client's with the first datagram to an address, which then waits for the handshake.
 */
import type { Address, Datagram, DatagramReceiver, DatagramTransport, SendFailure } from '../core/datagram.ts';
import type { Scheduler } from '../core/clock.ts';
import type { Instant } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import type { AssociationEndpoint } from '../dtls/association.ts';
import type { ClientCredentials } from '../dtls/credentials.ts';
import type { DtlsCounters, DtlsEngine } from '../dtls/engine.ts';
import type { CloseReason, DtlsEvent } from '../dtls/event.ts';
import type { DtlsOptions } from '../dtls/options.ts';
import type { ClientSession } from '../dtls/session.ts';
import { formatAddress } from './address.ts';
import { drive, type SansIoEngine } from './driver.ts';
import { SecuredEngine } from './secured-engine.ts';
import type { TransportCounters } from './notices.ts';
import type { UdpTransport } from './udp.ts';

export interface SecuredTransportOptions {
  readonly dtls: DtlsOptions;
  /** What peers are shown that this end speaks to first; undefined: it waits for them. */
  readonly client: ClientCredentials | undefined;
  readonly scheduler: Scheduler;
  /** Asked when a handshake is over, before anything of the peer's is read; false ends it. */
  readonly admit: (endpoint: AssociationEndpoint) => boolean;
  readonly onEvent: (event: DtlsEvent, now: Instant) => void;
  /** Restores what a process before this one has left, before anything is read. */
  readonly restore?: (dtls: DtlsEngine, now: Instant) => Promise<void>;
  /** The transport of the records. */
  readonly open: (receiver: DatagramReceiver) => Promise<UdpTransport>;
}

export async function openSecured(
  options: SecuredTransportOptions,
  receiver: DatagramReceiver,
): Promise<SecuredTransport> {
  const { admit, dtls, onEvent, open, restore, scheduler, client } = options;
  const established = new Set<AssociationEndpoint>();
  const sessions = new Map<string, ClientSession>();
  const relay = new Relay(receiver);
  const engine = new SecuredEngine(
    dtls,
    relay,
    (event, now) => {
      if (event.type === 'established') established.add(event.endpoint);
      if (event.type === 'closed') established.delete(event.endpoint);
      if (client !== undefined) keepSession(sessions, event);
      onEvent(event, now);
      if (event.type === 'established' && !admit(event.endpoint)) engine.dtls.close(event.endpoint, now);
    },
    scheduler.now(),
  );
  await restore?.(engine.dtls, scheduler.now());
  const driven = await drive(engine, open, scheduler);
  const goesOn = dtls.journal !== undefined;
  return new SecuredTransport({ engine, relay, driven, scheduler, client, established, sessions, goesOn });
}

interface Parts {
  readonly engine: SecuredEngine;
  readonly relay: Relay;
  readonly driven: { readonly transport: UdpTransport; readonly wake: () => void; close(): Promise<void> };
  readonly scheduler: Scheduler;
  readonly client: ClientCredentials | undefined;
  readonly established: ReadonlySet<AssociationEndpoint>;
  readonly sessions: ReadonlyMap<string, ClientSession>;
  /** Associations outlive this process. */
  readonly goesOn: boolean;
}

/** Of a client: the next handshake with the same server is a short one (RFC 5246 §7.3). */
function keepSession(sessions: Map<string, ClientSession>, event: DtlsEvent): void {
  const { key } = event.endpoint.association.endpoint;
  if (event.type === 'established' && event.result.clientSession !== undefined) {
    sessions.set(key, event.result.clientSession);
  }
  // RFC 5246 §7.2.2: not after a fatal alert; and a server that refuses may not want this session.
  const isFatal = event.type === 'closed' && event.reason.kind === 'by-peer' && event.reason.alert !== 'close_notify';
  if (event.type === 'failed' || isFatal) sessions.delete(key);
}

export class SecuredTransport implements DatagramTransport {
  readonly #parts: Parts;
  /** A client's, by the key of the transport's endpoint: as many as the addresses that its owner speaks to. */
  readonly #connected = new Map<string, AssociationEndpoint>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get addresses(): readonly Address[] {
    return this.#parts.driven.transport.addresses;
  }

  /** Of datagrams that carry records. */
  get counters(): TransportCounters {
    return this.#parts.driven.transport.counters;
  }

  get dtlsCounters(): DtlsCounters {
    return this.#parts.engine.dtls.counters();
  }

  /** @throws UsageError 'no-credentials' */
  endpoint(remote: Address): AssociationEndpoint {
    const { client, driven, engine, scheduler, sessions } = this.#parts;
    if (client === undefined) {
      throw new UsageError(
        'no-credentials',
        `${formatAddress(remote)} speaks DTLS, and nothing was given to prove oneself with: give credentials when it is opened.`,
      );
    }
    const peer = driven.transport.endpoint(remote);
    const known = this.#connected.get(peer.key);
    if (known !== undefined && known.association.state !== 'closed') return known;
    const endpoint = engine.dtls.connect(peer, client, scheduler.now(), sessions.get(peer.key));
    this.#connected.set(peer.key, endpoint);
    driven.wake();
    return endpoint;
  }

  send(batch: readonly Datagram[]): void {
    const { driven, relay } = this.#parts;
    relay.say(batch);
    driven.wake();
  }

  /** Ends an association, and tells its peer. */
  end(endpoint: AssociationEndpoint, reason?: CloseReason): void {
    const { driven, engine, scheduler } = this.#parts;
    engine.dtls.close(endpoint, scheduler.now(), reason);
    driven.wake();
  }

  /** The peer of an association is known to receive at its address. */
  verify(endpoint: AssociationEndpoint): void {
    const { engine, scheduler } = this.#parts;
    engine.dtls.verify(endpoint, scheduler.now());
  }

  /** The engine that `restore` was handed has something to send. */
  wake(): void {
    this.#parts.driven.wake();
  }

  /** Tells all peers that it is over (RFC 5246 §7.2.1), so that they need not find out; unless another process goes on. */
  async close(): Promise<void> {
    const { driven, established, goesOn } = this.#parts;
    if (!goesOn) for (const endpoint of established) this.end(endpoint);
    // The driver hands over what was said in a task of its own.
    await Promise.resolve();
    await driven.close();
  }
}

/** Stands where an engine would, for one that has its own driver. */
class Relay implements SansIoEngine {
  readonly #receiver: DatagramReceiver;
  #output: Datagram[] = [];

  constructor(receiver: DatagramReceiver) {
    this.#receiver = receiver;
  }

  say(batch: readonly Datagram[]): void {
    this.#output.push(...batch);
  }

  receive(batch: readonly Datagram[]): void {
    this.#receiver.receive(batch);
  }

  poll(): void {
    // It has no timers.
  }

  nextDeadline(): undefined {
    return undefined;
  }

  takeOutput(): readonly Datagram[] {
    const taken = this.#output;
    this.#output = [];
    return taken;
  }

  sendFailed(failure: SendFailure): void {
    this.#receiver.sendFailed(failure);
  }
}
