/**
 * The coaps door: who is at the other end of an association, and for how long. Identities come from devices/, the handshake from
 * dtls/, datagrams from transport/.
 *
 * A certificate is believed because it, and no other, is enrolled: its own validity and use are checked, and revoking it ends
 * its credential.
 */
import type { KeptRequest } from '../coap/exchange/ledger.ts';
import { channels } from '../core/channels.ts';
import type { Scheduler } from '../core/clock.ts';
import type { DatagramReceiver, Endpoint } from '../core/datagram.ts';
import { minutes, seconds, type Instant } from '../core/duration.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import { emptyBytes } from '../core/bytes.ts';
import type { Credentials, KnownPeer } from '../devices/credentials.ts';
import { AssociationEndpoint } from '../dtls/association.ts';
import type { CipherSuite } from '../dtls/cipher-suites.ts';
import { validatePath } from '../dtls/certificate-path.ts';
import type { OwnCertificate, PresentedCertificate, ServerCredentials, Verdict } from '../dtls/credentials.ts';
import { nodeCrypto } from '../dtls/crypto.ts';
import type { DtlsCounters, DtlsEngine } from '../dtls/engine.ts';
import type { DtlsEvent } from '../dtls/event.ts';
import { defaultDtlsLimits, defaultDtlsOptions, type DtlsLimits } from '../dtls/options.ts';
import { TicketKeys, type TicketKeyKeeper } from '../dtls/ticket.ts';
import type { AssociationStore } from '../store/associations/association-store.ts';
import type { KeptAssociation } from '../store/associations/kept-part.ts';
import { endpointKey } from '../transport/address.ts';
import { openListener, type ListenerOptions } from '../transport/listener.ts';
import { withNativeCcm } from '../transport/native-ccm.ts';
import { openSecured, type SecuredTransport } from '../transport/secured-transport.ts';
import { keptRequests } from './coaps-ledger.ts';

export interface CoapsOptions {
  readonly udp: Partial<ListenerOptions>;
  /** In order of preference. */
  readonly cipherSuites: readonly CipherSuite[];
  readonly credentials: Credentials;
  /** What the gateway proves itself with now, at most one of each type; without any there are pre-shared keys only. */
  readonly certificates: () => readonly OwnCertificate[];
  /** The first byte of Connection IDs (RFC 9146): the number of this process. */
  readonly node: number;
  readonly limits: Pick<DtlsLimits, 'maxAssociations' | 'maxHandshakesPerSecond'>;
  /** Of one credential at a time. */
  readonly sessionsPerIdentity: number;
  readonly timeOfDay: () => TimeOfDay;
  /** Where associations outlive the process; undefined: they end with it. */
  readonly store: AssociationStore | undefined;
  /** The same for the keys of tickets. */
  readonly ticketKeys: TicketKeyKeeper | undefined;
}

/** The engine of CoAP, as its door for associations uses it. */
export interface AssociationUser {
  /** An association's peer was heard from another address. */
  moved(endpoint: Endpoint): void;
  /** It is over: whatever waits for its peer does not any more. */
  closed(endpoint: Endpoint, now: Instant): void;
  /** False where there is no room for what a process before this one has kept. */
  restore(endpoint: Endpoint, kept: readonly KeptRequest[], now: Instant): boolean;
}

export interface CoapsCounters extends DtlsCounters {
  readonly established: number;
  readonly failed: number;
  readonly ended: number;
  /** Of a process before this one. */
  readonly restored: number;
}

/** Tickets and remembered sessions are good for this long. No RFC's number. */
const sessionLifetimeMs = 24 * 3600 * 1000;
/** No record of a request is good for longer, whatever the link and however clocks were set. No RFC's number. */
const longestExchange = minutes(30);
const expireEvery = seconds(1);

export class CoapsDoor {
  readonly #options: CoapsOptions;
  readonly #scheduler: Scheduler;
  readonly #user: AssociationUser;
  readonly #byCredential = new Map<string, Set<AssociationEndpoint>>();
  #transport: SecuredTransport | undefined;
  #stopExpiring: () => void = () => undefined;
  #stopListening: () => void = () => undefined;
  #established = 0;
  #failed = 0;
  #ended = 0;
  #restored = 0;

  constructor(options: CoapsOptions, scheduler: Scheduler, user: AssociationUser) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#user = user;
  }

  /** @throws UsageError where no address can be bound */
  async open(receiver: DatagramReceiver): Promise<SecuredTransport> {
    const { cipherSuites, credentials, limits, node, store, ticketKeys, timeOfDay, udp } = this.#options;
    const crypto = udp.transport === 'dgram' ? nodeCrypto : await withNativeCcm(nodeCrypto);
    const transport = await openSecured(
      {
        dtls: {
          ...defaultDtlsOptions,
          cipherSuites,
          limits: { ...defaultDtlsLimits, ...limits },
          crypto,
          wallClock: timeOfDay,
          connectionId: { length: 6, node },
          server: serverCredentials(this.#options),
          tickets: new TicketKeys(crypto, sessionLifetimeMs, ticketKeys),
          sessionLifetimeMs,
          journal: store,
        },
        client: undefined,
        scheduler: this.#scheduler,
        admit: (endpoint) => this.#admit(endpoint),
        onEvent: (event, now) => this.#happened(event, now),
        restore: (dtls, now) => this.#restore(dtls, now),
        // Twice as many addresses as sessions: those of strangers, and of devices that move.
        open: (records) => openListener({ ...udp, maxEndpoints: 2 * limits.maxAssociations }, records),
      },
      receiver,
    );
    this.#transport = transport;
    this.#stopListening = credentials.onEnd((peer) => this.#end(peer));
    this.#endThoseTooMany();
    this.#expireLater();
    return transport;
  }

  counters(): CoapsCounters | undefined {
    const { dtlsCounters } = this.#transport ?? {};
    if (dtlsCounters === undefined) return undefined;
    return {
      ...dtlsCounters,
      established: this.#established,
      failed: this.#failed,
      ended: this.#ended,
      restored: this.#restored,
    };
  }

  /** An association's peer has shown that it receives at its address. */
  verified(endpoint: Endpoint): void {
    if (endpoint instanceof AssociationEndpoint) this.#transport?.verify(endpoint);
  }

  /** Identities are looked at no more; the transport is closed by whoever drives it. */
  close(): void {
    this.#stopExpiring();
    this.#stopListening();
  }

  #expireLater(): void {
    this.#stopExpiring = this.#scheduler.after(expireEvery, () => {
      this.#options.credentials.expire();
      this.#expireLater();
    });
  }

  #happened(event: DtlsEvent, now: Instant): void {
    switch (event.type) {
      case 'established':
        this.#established++;
        break;
      case 'closed':
        this.#forget(event.endpoint);
        this.#user.closed(event.endpoint, now);
        break;
      case 'moved':
        this.#user.moved(event.endpoint);
        break;
      case 'failed':
        this.#failed++;
        break;
      case 'verified':
    }
    if (channels.association.hasSubscribers) publish(event);
  }

  /** Takes up what a process before this one has left, of identities that are still good. */
  async #restore(dtls: DtlsEngine, now: Instant): Promise<void> {
    const { credentials, store } = this.#options;
    if (store === undefined) return;
    store.onReserved = (granted) => {
      for (const [id, until] of granted) dtls.reserved(id, until, this.#scheduler.now());
      this.#transport?.wake();
    };
    for (const kept of store.takeKept()) {
      const isKnown = credentials.byId(kept.identity.name) !== undefined;
      if (isKnown && this.#restoreOne(dtls, kept, now)) this.#restored++;
      else store.closed(kept.id);
    }
    const oldest = this.#options.timeOfDay() - sessionLifetimeMs;
    for (const { id, session } of store.takeKeptSessions()) {
      const isGood = session.createdMs > oldest && credentials.byId(session.identity.name) !== undefined;
      if (isGood) dtls.restoreSession(id, session);
      else store.forgotten(id);
    }
    // So that those who speak first can be answered at once.
    await store.settled();
  }

  #restoreOne(dtls: DtlsEngine, kept: KeptAssociation, now: Instant): boolean {
    const { place } = kept;
    const snapshot = { ...kept, endpoint: { ...place, key: endpointKey(place.remote, place.local) } };
    const endpoint = dtls.restore(snapshot, now);
    if (endpoint === undefined) return false;
    const parts = { clock: this.#scheduler, timeOfDay: this.#options.timeOfDay };
    const requests = keptRequests(kept.requests, parts, longestExchange);
    if (this.#admit(endpoint) && (requests.length === 0 || this.#user.restore(endpoint, requests, now))) return true;
    dtls.close(endpoint, now);
    return false;
  }

  #admit(endpoint: AssociationEndpoint): boolean {
    const { name } = endpoint.association.identity;
    const peer = this.#options.credentials.byId(name);
    // Revoked while it shook hands.
    if (peer === undefined) return false;
    endpoint.principal = peer;
    const own = this.#byCredential.get(name) ?? new Set();
    this.#byCredential.set(name, own.add(endpoint));
    // Who is enrolled once does not push out everybody else: its own oldest session makes room.
    const [oldest] = own;
    if (oldest !== undefined && own.size > this.#options.sessionsPerIdentity) this.#close(oldest);
    return true;
  }

  /** Of those that were restored nobody could be ended: the limit is another one since, or who they are was revoked meanwhile. */
  #endThoseTooMany(): void {
    const { credentials, sessionsPerIdentity } = this.#options;
    for (const [name, own] of this.#byCredential) {
      const most = credentials.byId(name) === undefined ? 0 : sessionsPerIdentity;
      for (const endpoint of [...own].slice(0, Math.max(0, own.size - most))) this.#close(endpoint);
    }
  }

  #forget(endpoint: AssociationEndpoint): void {
    const { name } = endpoint.association.identity;
    const all = this.#byCredential.get(name);
    all?.delete(endpoint);
    if (all?.size === 0) this.#byCredential.delete(name);
  }

  #end({ credentialId }: KnownPeer): void {
    for (const endpoint of this.#byCredential.get(credentialId) ?? []) this.#close(endpoint);
  }

  /** Before the transport is there, none can be ended: `#endThoseTooMany` does it then. */
  #close(endpoint: AssociationEndpoint): void {
    if (this.#transport === undefined) return;
    this.#ended++;
    this.#transport.end(endpoint);
  }
}

function serverCredentials({ credentials, certificates, timeOfDay }: CoapsOptions): ServerCredentials {
  const verify = ({ type, payload }: PresentedCertificate): Verdict => {
    const [shown = emptyBytes] = payload;
    const peer = type === 'x509' ? credentials.certificate(shown) : credentials.publicKey(shown);
    if (peer === undefined) {
      return { accepted: false, alert: 'certificate_unknown', reason: 'No identity is enrolled with what was shown' };
    }
    if (type === 'x509') {
      const leaf = nodeCrypto.parseCertificate(shown);
      const anchors = leaf === undefined ? [] : [leaf];
      const options = {
        crypto: nodeCrypto,
        anchors,
        revocationLists: [],
        usage: 'client',
        nowMs: timeOfDay(),
      } as const;
      const result = validatePath([shown], options);
      if (!result.accepted) return result;
    }
    return { accepted: true, name: peer.credentialId };
  };
  return {
    // RFC 4279 §2: a key in any case. No credential has the empty name.
    preSharedKey: (identity) => {
      const { key, peer } = credentials.psk(identity);
      const { credentialId: name = '', allowLegacyMasterSecret = false } = peer ?? {};
      return { name, key, allowLegacyMasterSecret };
    },
    get allowLegacyMasterSecret() {
      return credentials.allowsLegacyMasterSecret;
    },
    get certificates() {
      return certificates();
    },
    get clientCertificates() {
      return { types: certificates().map(({ type }) => type), required: true, verify };
    },
    mayResume: ({ name }) => credentials.byId(name) !== undefined,
  };
}

function publish(event: DtlsEvent): void {
  const { endpoint } = event;
  const { address, port } = endpoint.remote;
  const identity = endpoint.principal?.name;
  channels.association.publish({ state: event.type, peer: `${address}:${port}`, identity, reason: reasonOf(event) });
}

function reasonOf(event: DtlsEvent): string | undefined {
  if (event.type === 'failed') return event.reason;
  if (event.type === 'established') return `${event.result.suite.name}${event.result.resumed ? ', resumed' : ''}`;
  return event.type === 'closed' ? event.reason.kind : undefined;
}
