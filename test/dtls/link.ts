/**
 * Two endpoints and the link between them, on a clock that only the test moves. What the link does with a datagram (loses it,
 * repeats it, holds it back, changes its sender) is up to the test.
 */
import { textOf, utf8 } from '../../src/core/bytes.ts';
import type { Datagram, Endpoint } from '../../src/core/datagram.ts';
import { after, seconds, type Instant, type Milliseconds } from '../../src/core/duration.ts';
import type { AssociationEndpoint } from '../../src/dtls/association.ts';
import type { ClientCredentials, ServerCredentials } from '../../src/dtls/credentials.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { DtlsEngine } from '../../src/dtls/engine.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { defaultDtlsOptions, type DtlsOptions } from '../../src/dtls/options.ts';
import type { ClientSession } from '../../src/dtls/session.ts';

export const pskIdentity = 'device-1';
export const psk: Uint8Array = utf8('a key of sixteen');

export const pskServer: ServerCredentials = {
  preSharedKey: (identity) =>
    textOf(identity) === pskIdentity
      ? { name: 'lamp', key: psk, allowLegacyMasterSecret: false }
      : textOf(identity) === 'old-device'
        ? { name: 'old lamp', key: psk, allowLegacyMasterSecret: true }
        : undefined,
  allowLegacyMasterSecret: false,
  certificates: [],
  mayResume: () => true,
};

export const pskClient: ClientCredentials = { preSharedKey: { identity: utf8(pskIdentity), key: psk } };

export const endpointOf = (remote: string, local: string): Endpoint => ({
  key: `${remote}>${local}`,
  remote: { address: remote, port: 1 },
  local: { address: local, port: 5684 },
  loopback: false,
});

/** An engine, and what it says. */
export class Host {
  readonly engine: DtlsEngine;
  readonly events: DtlsEvent[] = [];
  readonly received: { readonly text: string; readonly endpoint: Endpoint }[] = [];

  constructor(options: Partial<DtlsOptions>, now: Instant) {
    this.engine = new DtlsEngine(
      { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: () => 1_800_000_000_000, ...options },
      (event) => this.events.push(event),
      now,
    );
  }

  receive(bytes: Uint8Array, endpoint: Endpoint, now: Instant): void {
    this.engine.receive([{ bytes, endpoint, multicast: false }], now);
    for (const { bytes, endpoint } of this.engine.takePlaintext()) {
      this.received.push({ text: textOf(bytes) ?? '?', endpoint });
    }
  }

  of<T extends DtlsEvent['type']>(type: T): Extract<DtlsEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<DtlsEvent, { type: T }> => event.type === type);
  }
}

export interface InFlight {
  readonly bytes: Uint8Array;
  readonly to: 'client' | 'server';
  /** Where it seems to come from. */
  readonly from: string;
}

/** What becomes of a datagram: as many as come out are delivered, in that order. */
export type Mangle = (datagram: InFlight) => readonly InFlight[];

const faithful: Mangle = (datagram) => [datagram];

export class Link {
  now: Instant = 1000 as Instant;
  readonly client: Host;
  readonly server: Host;
  mangle: Mangle = faithful;
  /** Everything that was sent, before the link did anything with it. */
  readonly sent: InFlight[] = [];
  /** The client's address. */
  clientAddress = 'client';

  constructor(options: { readonly client?: Partial<DtlsOptions>; readonly server?: Partial<DtlsOptions> } = {}) {
    this.client = new Host(options.client ?? {}, this.now);
    this.server = new Host({ server: pskServer, ...options.server }, this.now);
  }

  connect(credentials: ClientCredentials = pskClient, session?: ClientSession): AssociationEndpoint {
    return this.client.engine.connect(endpointOf('server', 'client'), credentials, this.now, session);
  }

  /** Carries datagrams until both are silent. */
  run(): void {
    for (let rounds = 0; rounds < 1000; rounds++) {
      const flying = [...this.#collect(this.client, 'server'), ...this.#collect(this.server, 'client')];
      if (flying.length === 0) return;
      this.sent.push(...flying);
      for (const datagram of flying.flatMap((one) => this.mangle(one))) this.deliver(datagram);
    }
    throw new Error('the two answer each other without end');
  }

  deliver({ bytes, to, from }: InFlight): void {
    if (to === 'server') this.server.receive(bytes, endpointOf(from, 'server'), this.now);
    else this.client.receive(bytes, endpointOf('server', 'client'), this.now);
  }

  /** Moves the time on from deadline to deadline, and carries what is sent meanwhile. */
  advance(span: Milliseconds): void {
    const end = after(this.now, span);
    for (;;) {
      const next = Math.min(
        this.client.engine.nextDeadline() ?? Infinity,
        this.server.engine.nextDeadline() ?? Infinity,
      ) as Instant;
      if (next > end) break;
      this.now = Math.max(this.now, next) as Instant;
      this.client.engine.poll(this.now);
      this.server.engine.poll(this.now);
      this.run();
    }
    this.now = end;
  }

  /** Both have an association, and a message goes each way. */
  get connected(): boolean {
    return this.client.of('established').length > 0 && this.server.of('established').length > 0;
  }

  say(endpoint: Endpoint, text: string, by: Host = this.client): void {
    by.engine.send([{ bytes: utf8(text), endpoint, multicast: false }], this.now);
  }

  /** Handshake, with as much time as it takes. */
  establish(credentials?: ClientCredentials, session?: ClientSession): AssociationEndpoint {
    const endpoint = this.connect(credentials, session);
    this.run();
    if (!this.connected) this.advance(seconds(600));
    return endpoint;
  }

  #collect(host: Host, to: InFlight['to']): InFlight[] {
    return host.engine.takeOutput().map(({ bytes, endpoint }: Datagram) => ({
      bytes,
      to,
      from: to === 'server' ? this.clientAddress : endpoint.local.address,
    }));
  }
}
