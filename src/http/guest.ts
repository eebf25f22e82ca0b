/**
 * Who asks: the identity of a bearer token (RFC 6750) or of the client's certificate, or, where neither is shown, `local`, who is
 * taken in on a loopback listener only, and only where nothing says that a proxy stands between. Who shows one that is unknown
 * or has ended is refused, and never taken for `local`.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { KeyObject } from 'node:crypto';
import type { Address, Endpoint } from '../core/datagram.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import type { Principal } from '../core/principal.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import { readToken, type BearerToken } from '../devices/bearer-token.ts';
import type { Credentials } from '../devices/credentials.ts';
import { CallError } from '../functions/call-error.ts';
import { isLoopback, normaliseAddress } from '../transport/address.ts';

/** What is known of a connection before anything is asked on it. */
export interface Connection {
  readonly remote: Address;
  readonly local: Address;
  readonly scheme: 'http' | 'https';
  /** The address that is listened on is loopback. */
  readonly isLoopbackListener: boolean;
  /** What the client has proved to have; undefined where it has shown none. */
  readonly certificate: { readonly credentialId: string | undefined } | undefined;
  /** Without an identity; made once. */
  readonly anonymous: Endpoint;
}

/** Who is enrolled, and the key that tokens are signed with. */
export interface Identities {
  readonly credentials: Credentials;
  readonly tokenKey: KeyObject;
}

export interface GuestsOptions {
  /** Asked each time; undefined while nobody is enrolled. */
  readonly identities: () => Identities | undefined;
  /** Addresses of proxies that are believed what they say of clients. */
  readonly proxies: readonly string[];
  readonly timeOfDay: () => TimeOfDay;
}

/** Tokens whose signature has been checked: as many clients at a time as that are quick. */
const maxTokens = 4096;
const bearer = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

export class Guests {
  readonly #options: GuestsOptions;
  readonly #proxies: ReadonlySet<string>;
  readonly #tokens = new GenerationalMap<string, BearerToken>({ maxEntries: maxTokens });
  /** One of each answer that goes on. */
  readonly #listeners = new Set<() => void>();

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#proxies = new Set(options.proxies.map(normaliseAddress));
  }

  /** @throws CallError `identity-needed` */
  guestOf(headers: IncomingHttpHeaders, connection: Connection): Endpoint {
    const isForwarded = wasForwarded(headers);
    const principal = this.#principalOf(headers, connection);
    const isPlain = !isForwarded && this.#proxies.size === 0;
    if (principal === undefined) {
      if (!connection.isLoopbackListener || !isPlain) throw new CallError('identity-needed', whoAreYou(isPlain));
      return connection.anonymous;
    }
    const remote = isForwarded ? this.#clientOf(headers, connection.remote) : connection.remote;
    // An identity is one caller, over however many connections.
    return {
      key: `http id ${principal.name}`,
      remote,
      local: connection.local,
      loopback: isLoopback(remote.address),
      principal,
    };
  }

  /** Of whoever was let in before, and has not asked since. @throws CallError `identity-needed` */
  checkAgain(headers: IncomingHttpHeaders, connection: Connection, { principal }: Endpoint): void {
    if (principal !== undefined) this.#principalOf(headers, connection);
  }

  /** Calls `listener` whenever an identity has ended, and whenever a token may have expired. @returns what ends that */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    const stop = this.#options.identities()?.credentials.onEnd(listener);
    return () => {
      this.#listeners.delete(listener);
      stop?.();
    };
  }

  /** To be called now and then: there may be no other door that does, and tokens are known here alone. */
  expire(): void {
    this.#options.identities()?.credentials.expire();
    for (const listener of this.#listeners) listener();
  }

  /** A proxy that is believed stands at the other end. */
  isBehindProxy({ remote }: Connection): boolean {
    return this.#proxies.has(remote.address);
  }

  /** Undefined where nothing is shown: who shows something is never taken for somebody else than it shows. */
  #principalOf({ authorization }: IncomingHttpHeaders, { certificate }: Connection): Principal | undefined {
    if (authorization !== undefined) return this.#byToken(authorization);
    if (certificate === undefined) return undefined;
    const { credentialId } = certificate;
    const principal =
      credentialId === undefined ? undefined : this.#options.identities()?.credentials.byId(credentialId);
    if (principal === undefined) {
      throw new CallError(
        'identity-needed',
        'The certificate is not enrolled here, or its identity was revoked, rotated or has expired.',
      );
    }
    return principal;
  }

  #byToken(authorization: string): Principal {
    const text = bearer.exec(authorization)?.[1];
    if (text === undefined) {
      throw new CallError('identity-needed', 'Only bearer tokens are taken here: `Authorization: Bearer TOKEN`.');
    }
    const token = this.#read(text);
    if (token !== undefined && token.expires <= this.#options.timeOfDay()) {
      throw new CallError('identity-needed', 'The token has expired; `funcoap token NAME` makes another.');
    }
    const principal = token && this.#options.identities()?.credentials.byId(token.credentialId);
    if (principal === undefined) {
      throw new CallError(
        'identity-needed',
        'The token is not one of this gateway, or its identity was revoked, rotated or has expired.',
      );
    }
    return principal;
  }

  #read(text: string): BearerToken | undefined {
    const known = this.#tokens.get(text);
    if (known !== undefined) return known;
    const { tokenKey } = this.#options.identities() ?? {};
    const token = tokenKey && readToken(tokenKey, text);
    if (token !== undefined) this.#tokens.set(text, token);
    return token;
  }

  /** The last address that no believed proxy has put there itself: what stands before it anybody could have written. */
  #clientOf({ 'x-forwarded-for': forwarded }: IncomingHttpHeaders, remote: Address): Address {
    const list = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',').reverse();
    let client = remote;
    for (const text of list.map((part) => part.trim())) {
      if (!this.#proxies.has(client.address) || isIP(text) === 0) break;
      client = { address: normaliseAddress(text), port: 0 };
    }
    return client;
  }
}

/** Any word of a proxy, by whoever it was said: RFC 7239, RFC 9110 §7.6.3, and what is usual beside them. */
function wasForwarded(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) {
    if (name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'via' || name === 'x-real-ip') return true;
  }
  return false;
}

const whoAreYou = (isPlain: boolean): string =>
  isPlain
    ? 'Beyond loopback a caller needs an identity: send a bearer token (`funcoap token NAME`), or a certificate over https.'
    : 'Through a proxy a caller needs an identity: send a bearer token (`funcoap token NAME`).';
