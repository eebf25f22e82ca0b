/**
 * The coaps door: who is at the other end of an association, and for how long. Identities come from devices/, the handshake from
 * dtls/, datagrams from transport/.
 *
 * A certificate is believed because it, and no other, is enrolled: its own validity and use are checked, and revoking it ends
 * its credential. Left out: associations that outlive the process.
 */
import { channels } from '../core/channels.ts';
import type { Scheduler } from '../core/clock.ts';
import type { DatagramReceiver } from '../core/datagram.ts';
import { seconds } from '../core/duration.ts';
import { emptyBytes } from '../core/bytes.ts';
import type { Credentials, KnownPeer } from '../devices/credentials.ts';
import type { AssociationEndpoint } from '../dtls/association.ts';
import type { CipherSuite } from '../dtls/cipher-suites.ts';
import { validatePath } from '../dtls/certificate-path.ts';
import type { OwnCertificate, PresentedCertificate, ServerCredentials, Verdict } from '../dtls/credentials.ts';
import { nodeCrypto } from '../dtls/crypto.ts';
import type { DtlsCounters } from '../dtls/engine.ts';
import type { DtlsEvent } from '../dtls/event.ts';
import { defaultDtlsLimits, defaultDtlsOptions, type DtlsLimits } from '../dtls/options.ts';
import { TicketKeys } from '../dtls/ticket.ts';
import { openListener, type ListenerOptions } from '../transport/listener.ts';
import { withNativeCcm } from '../transport/native-ccm.ts';
import { openSecured, type SecuredTransport } from '../transport/secured-transport.ts';

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
  readonly timeOfDay: () => number;
}

export interface CoapsCounters extends DtlsCounters {
  readonly established: number;
  readonly failed: number;
  readonly ended: number;
}

/** Tickets and remembered sessions are good for this long. No RFC's number. */
const sessionLifetimeMs = 24 * 3600 * 1000;
const expireEvery = seconds(1);

export class CoapsDoor {
  readonly #options: CoapsOptions;
  readonly #scheduler: Scheduler;
  /** An association's peer was heard from another address. */
  readonly #onMoved: (endpoint: AssociationEndpoint) => void;
  readonly #byCredential = new Map<string, Set<AssociationEndpoint>>();
  #transport: SecuredTransport | undefined;
  #stopExpiring: () => void = () => undefined;
  #stopListening: () => void = () => undefined;
  #established = 0;
  #failed = 0;
  #ended = 0;

  constructor(options: CoapsOptions, scheduler: Scheduler, onMoved: (endpoint: AssociationEndpoint) => void) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#onMoved = onMoved;
  }

  /** @throws UsageError where no address can be bound */
  async open(receiver: DatagramReceiver): Promise<SecuredTransport> {
    const { cipherSuites, credentials, limits, node, timeOfDay, udp } = this.#options;
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
          tickets: new TicketKeys(crypto, sessionLifetimeMs),
          sessionLifetimeMs,
        },
        client: undefined,
        scheduler: this.#scheduler,
        admit: (endpoint) => this.#admit(endpoint),
        onEvent: (event) => this.#happened(event),
        // Twice as many addresses as sessions: those of strangers, and of devices that move.
        open: (records) => openListener({ ...udp, maxEndpoints: 2 * limits.maxAssociations }, records),
      },
      receiver,
    );
    this.#transport = transport;
    this.#stopListening = credentials.onEnd((peer) => this.#end(peer));
    this.#expireLater();
    return transport;
  }

  counters(): CoapsCounters | undefined {
    const { dtlsCounters } = this.#transport ?? {};
    if (dtlsCounters === undefined) return undefined;
    return { ...dtlsCounters, established: this.#established, failed: this.#failed, ended: this.#ended };
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

  #happened(event: DtlsEvent): void {
    switch (event.type) {
      case 'established':
        this.#established++;
        break;
      case 'closed':
        this.#forget(event.endpoint);
        break;
      case 'moved':
        this.#onMoved(event.endpoint);
        break;
      case 'failed':
        this.#failed++;
        break;
      case 'verified':
    }
    if (channels.association.hasSubscribers) publish(event);
  }

  #admit(endpoint: AssociationEndpoint): boolean {
    const { name } = endpoint.association.identity;
    const peer = this.#options.credentials.byId(name);
    // Revoked while it shook hands.
    if (peer === undefined) return false;
    endpoint.principal = peer;
    const others = this.#byCredential.get(name);
    if (others === undefined) this.#byCredential.set(name, new Set([endpoint]));
    else others.add(endpoint);
    return true;
  }

  #forget(endpoint: AssociationEndpoint): void {
    const { name } = endpoint.association.identity;
    const all = this.#byCredential.get(name);
    all?.delete(endpoint);
    if (all?.size === 0) this.#byCredential.delete(name);
  }

  #end({ credentialId }: KnownPeer): void {
    for (const endpoint of this.#byCredential.get(credentialId) ?? []) {
      this.#ended++;
      this.#transport?.end(endpoint);
    }
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
