/**
 * Tells each link by multicast DNS which doors of the gateway are open there (RFC 6762, RFC 6763): on each interface only what
 * listens on an address of it. Loopback is no link.
 */
import type { Scheduler } from '../core/clock.ts';
import type { Address } from '../core/datagram.ts';
import { seconds } from '../core/duration.ts';
import { sameRecord, type ResourceRecord } from '../directory/mdns/message.ts';
import { Responder } from '../directory/mdns/responder.ts';
import type { AnnouncedService, ServiceType } from '../directory/mdns/service.ts';
import { localAddresses, type LocalAddress, type ReadInterfaces } from '../transport/local-addresses.ts';
import { MdnsSocket } from '../transport/mdns-socket.ts';
import { Notices, systemCode } from '../transport/notices.ts';

export interface AnnouncementOptions {
  /** What people read. */
  readonly instance: string;
  /** Label of the host name that the addresses are announced under, one that nobody else uses. */
  readonly host: string;
  /** Where each door listens now. */
  readonly doors: () => Readonly<Record<ServiceType, readonly Address[]>>;
  readonly scheduler: Scheduler;
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  readonly interfaces: ReadInterfaces;
}

/** Interfaces come and go; nobody tells. */
const lookEvery = seconds(5);

interface Link {
  /** Of the interface; another one means other sockets. */
  readonly addresses: string;
  readonly sockets: readonly MdnsSocket[];
  readonly responder: Responder;
  services: string;
}

export class Announcement {
  readonly #options: AnnouncementOptions;
  readonly #links = new Map<string, Link>();
  readonly #notices: Notices;
  #stop: () => void = () => undefined;
  #closed = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: AnnouncementOptions) {
    this.#options = options;
    this.#notices = new Notices(options.scheduler);
    this.#look();
  }

  /** Says goodbye (RFC 6762 §10.1). */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#looking;
    await Promise.all([...this.#links.keys()].map((name) => this.#leave(name)));
  }

  #look(): void {
    this.#looking = this.#update();
    this.#stop = this.#options.scheduler.after(lookEvery, () => {
      void this.#looking.then(() => {
        if (!this.#closed) this.#look();
      });
    });
  }

  async #update(): Promise<void> {
    const local = localAddresses(this.#options.interfaces() ?? {}).filter(({ loopback }) => !loopback);
    const doors = this.#options.doors();
    const byInterface = Map.groupBy(local, (one) => one.interface);
    for (const [name, link] of this.#links) {
      if (addressesOf(byInterface.get(name) ?? []) !== link.addresses) await this.#leave(name);
    }
    for (const [name, addresses] of byInterface) {
      const services = servicesOn(addresses, doors);
      if (services.length === 0) {
        await this.#leave(name);
        continue;
      }
      const link = this.#links.get(name) ?? (await this.#enter(name, addresses));
      if (link === undefined) continue;
      const text = JSON.stringify(services);
      if (text !== link.services) link.responder.announce(services);
      link.services = text;
    }
  }

  async #enter(name: string, local: readonly LocalAddress[]): Promise<Link | undefined> {
    const sockets: MdnsSocket[] = [];
    const { scheduler, uniform, instance, host } = this.#options;
    const responder = new Responder({
      scheduler,
      uniform,
      instance,
      host,
      multicast: (bytes) => sockets.forEach((socket) => socket.multicast(bytes)),
      unicast: (bytes, to) => sockets.forEach((socket) => socket.unicast(bytes, to)),
      isOurs: (record) => this.#isOurs(record),
    });
    const failed = (error: unknown): void => this.#warn(name, error);
    const receive = (bytes: Uint8Array, from: Address): void => responder.receive(bytes, from);
    for (const family of Map.groupBy(local, (one) => one.family).values()) {
      try {
        sockets.push(await MdnsSocket.open({ local: family, responder: true, receive, failed }));
      } catch (error) {
        failed(error);
      }
    }
    if (sockets.length === 0) return undefined;
    const link = { addresses: addressesOf(local), sockets, responder, services: '' };
    this.#links.set(name, link);
    return link;
  }

  async #leave(name: string): Promise<void> {
    const link = this.#links.get(name);
    if (link === undefined) return;
    this.#links.delete(name);
    link.responder.close();
    await Promise.all(link.sockets.map((socket) => socket.close()));
  }

  #isOurs(record: ResourceRecord): boolean {
    return [...this.#links.values()].some(({ responder }) => responder.records.some((own) => sameRecord(own, record)));
  }

  /** It goes on without. */
  #warn(name: string, error: unknown): void {
    const code = systemCode(error);
    const message =
      `Multicast DNS does not work on ${name}: the system says ${code}. ` +
      '`funcoap discover` does not find the gateway there.';
    this.#notices.publishOnce('socket-error', `mdns ${name} ${code}`, message);
  }
}

const addressesOf = (local: readonly LocalAddress[]): string => JSON.stringify(local.map(({ address }) => address));

function servicesOn(
  local: readonly LocalAddress[],
  doors: Readonly<Record<ServiceType, readonly Address[]>>,
): AnnouncedService[] {
  return (['coap', 'coaps'] as const).flatMap((type) => {
    const here = doors[type].filter(({ address }) => local.some((one) => one.address === address));
    const [first] = here;
    if (first === undefined) return [];
    const addresses = here.map(({ address }) => address.split('%')[0] ?? address);
    return [{ type, port: first.port, addresses }];
  });
}
