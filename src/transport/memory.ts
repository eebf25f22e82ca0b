/**
 * A network in memory, for tests of any layer: links that lose, delay, duplicate and reorder, multicast
 * groups, an MTU. Deterministic: it runs on a manual clock and on the random numbers it is given.
 *
 * Left out: routing (every address reaches every other), fragmentation, and the port errors that a real
 * socket without a connection would not see either.
 */
import type { Address, Datagram, DatagramReceiver, DatagramTransport, Endpoint } from '../core/datagram.ts';
import { after, milliseconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { InternalError, UsageError } from '../core/error.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { familyOf, formatAddress, isMulticast, normaliseAddress } from './address.ts';
import { EndpointTable } from './endpoint-table.ts';
import { ManualScheduler } from './manual-scheduler.ts';

/** One direction between two addresses. Probabilities are from 0 to 1. */
export interface Link {
  readonly loss: number;
  readonly delay: Milliseconds;
  /** Added to the delay, from nothing to this much. */
  readonly jitter: Milliseconds;
  /** Probability of arriving twice; the second copy takes a delay of its own. */
  readonly duplication: number;
  /** Probability of being held back, for up to `heldBack`. */
  readonly reordering: number;
  readonly heldBack: Milliseconds;
  /** Longest datagram in bytes; a longer one fails with EMSGSIZE. */
  readonly mtuBytes: number;
  /** Loses exactly what it says: `count` is 1 for the first datagram of the link. */
  readonly lose: (bytes: Uint8Array, count: number) => boolean;
}

const defaultLink: Link = {
  loss: 0,
  delay: milliseconds(1),
  jitter: milliseconds(0),
  duplication: 0,
  reordering: 0,
  heldBack: milliseconds(50),
  mtuBytes: 65_507, // the longest payload of UDP over IPv4
  lose: () => false,
};

export interface MemoryNetworkOptions {
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly link?: Partial<Link>;
  readonly now?: Instant;
}

export interface MemoryOptions {
  readonly address: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly groups?: readonly string[];
}

/** Far more than a test needs between two instants: two engines answer each other without end. */
const maxDeliveriesPerInstant = 100_000;

interface Delivery {
  readonly to: MemoryTransport;
  readonly datagram: Datagram;
}

/** What a transport needs of its network. */
interface Carrier {
  carry(from: MemoryTransport, datagram: Datagram): void;
  remove(transport: MemoryTransport): void;
}

class MemoryTransport implements DatagramTransport {
  readonly addresses: readonly Address[];
  readonly groups: ReadonlySet<string>;
  readonly receiver: DatagramReceiver;
  readonly endpoints: EndpointTable;
  readonly #carrier: Carrier;
  #closed = false;

  constructor(local: Address, groups: readonly string[], receiver: DatagramReceiver, carrier: Carrier) {
    this.addresses = [local];
    this.groups = new Set(groups.map(normaliseAddress));
    this.receiver = receiver;
    this.endpoints = new EndpointTable(local);
    this.#carrier = carrier;
  }

  get local(): Address {
    return this.endpoints.local;
  }

  endpoint(remote: Address): Endpoint {
    const address = normaliseAddress(remote.address);
    if (familyOf(address) !== familyOf(this.local.address))
      throw new UsageError(
        'no-local-address',
        `Nothing can be sent to ${formatAddress(remote)}: ${this.local.address} is of the other IP version.`,
      );
    return this.endpoints.get(address, remote.port);
  }

  send(batch: readonly Datagram[]): void {
    if (!this.#closed) for (const datagram of batch) this.#carrier.carry(this, datagram);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#carrier.remove(this);
    return Promise.resolve();
  }
}

export class MemoryNetwork {
  /** The network's time; engines under test run on it too. */
  readonly scheduler: ManualScheduler;
  readonly #random: () => number;
  readonly #defaultLink: Link;
  readonly #links = new Map<string, Link>();
  readonly #counts = new Map<string, number>();
  readonly #transports = new Map<string, MemoryTransport>();
  readonly #underway: TimerWheel<Delivery>;
  #nextPort = 49_152; // the first ephemeral port (RFC 6335 §6)

  constructor(options: MemoryNetworkOptions) {
    this.#random = options.random;
    this.#defaultLink = { ...defaultLink, ...options.link };
    this.scheduler = new ManualScheduler(options.now);
    this.#underway = new TimerWheel(options.now);
  }

  /** How many datagrams are on their way. */
  get underway(): number {
    return this.#underway.size;
  }

  /** @throws UsageError when the address and port are in use */
  open(options: MemoryOptions, receiver: DatagramReceiver): DatagramTransport {
    const address = normaliseAddress(options.address);
    const local: Address = { address, port: options.port === 0 ? this.#nextPort++ : options.port };
    const key = formatAddress(local);
    if (this.#transports.has(key))
      throw new UsageError(
        'cannot-listen',
        `Cannot listen on ${key}: something else in this network does. Choose another port.`,
      );
    const transport = new MemoryTransport(local, options.groups ?? [], receiver, {
      carry: (from, datagram) => this.#carry(from, datagram),
      remove: (closed) => this.#transports.delete(formatAddress(closed.local)),
    });
    this.#transports.set(key, transport);
    return transport;
  }

  /** Sets one direction between two addresses; what is not given is as it was. */
  link(from: string, to: string, link: Partial<Link>): void {
    const key = linkKey(normaliseAddress(from), normaliseAddress(to));
    this.#links.set(key, { ...(this.#links.get(key) ?? this.#defaultLink), ...link });
  }

  /** Lets `span` pass: delivers what arrives and fires what is due, each at its own instant. */
  advance(span: Milliseconds): void {
    const end = after(this.scheduler.now(), span);
    let instant = this.scheduler.now();
    let atInstant = 0;
    for (;;) {
      const next = Math.min(this.#underway.nextDeadline() ?? Infinity, this.scheduler.nextDeadline() ?? Infinity);
      if (next > end) break;
      atInstant = next > instant ? 0 : atInstant + 1;
      if (atInstant > maxDeliveriesPerInstant)
        throw new InternalError(
          'endless-exchange',
          `More than ${maxDeliveriesPerInstant} rounds at one instant: give the links a delay.`,
        );
      instant = Math.max(next, instant) as Instant;
      this.#deliver(instant);
      this.scheduler.moveTo(instant);
    }
    this.scheduler.moveTo(end);
  }

  #deliver(now: Instant): void {
    // The time moves before anything is handed over, timers fire after it: as in a real event loop turn.
    const batches = new Map<MemoryTransport, Datagram[]>();
    this.#underway.advance(now, ({ to, datagram }) => {
      const batch = batches.get(to);
      if (batch === undefined) batches.set(to, [datagram]);
      else batch.push(datagram);
    });
    if (batches.size === 0) return;
    this.scheduler.setNow(now);
    for (const [to, batch] of batches)
      if (this.#transports.get(formatAddress(to.local)) === to) to.receiver.receive(batch);
  }

  #carry(from: MemoryTransport, { bytes, endpoint }: Datagram): void {
    const { remote } = endpoint;
    const fail = (code: string): void => from.receiver.sendFailed({ endpoint, code });
    if (remote.port < 1 || remote.port > 65_535) return fail('EINVAL');
    if (formatAddress(endpoint.local) !== formatAddress(from.local)) return fail('EADDRNOTAVAIL');

    if (isMulticast(remote.address)) {
      if (bytes.length > this.#defaultLink.mtuBytes) return fail('EMSGSIZE');
      for (const to of this.#transports.values())
        if (to !== from && to.local.port === remote.port && to.groups.has(remote.address))
          this.#transmit(from, to, bytes, true);
      return;
    }
    if (bytes.length > this.#link(from.local.address, remote.address).mtuBytes) return fail('EMSGSIZE');
    const to = this.#transports.get(formatAddress(remote));
    if (to !== undefined) this.#transmit(from, to, bytes, false);
    else if (![...this.#transports.values()].some(({ local }) => local.address === remote.address))
      fail('EHOSTUNREACH');
  }

  #transmit(from: MemoryTransport, to: MemoryTransport, bytes: Uint8Array, multicast: boolean): void {
    const link = this.#link(from.local.address, to.local.address);
    const key = linkKey(from.local.address, to.local.address);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const lost = this.#happens(link.loss);
    if (link.lose(bytes, count) || lost) return;
    const copies = this.#happens(link.duplication) ? 2 : 1;
    const endpoint = to.endpoints.get(from.local.address, from.local.port);
    for (let i = 0; i < copies; i++) {
      const held = this.#happens(link.reordering) ? this.#random() * link.heldBack : 0;
      const span = link.delay + this.#random() * link.jitter + held;
      // A copy: on a real network nobody can change what has been sent.
      const datagram = { bytes: new Uint8Array(bytes), endpoint, multicast };
      this.#underway.arm(after(this.scheduler.now(), milliseconds(span)), { to, datagram });
    }
  }

  #link(from: string, to: string): Link {
    return this.#links.get(linkKey(from, to)) ?? this.#defaultLink;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }
}

const linkKey = (from: string, to: string): string => `${from}>${to}`;
