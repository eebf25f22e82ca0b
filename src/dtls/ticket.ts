/**
 * Tickets (RFC 5077 §4): a session sealed under a key that only servers know, kept by the client.
 *
 *     | key_name 4: the number of a period | nonce 12 | session, sealed with AES-128-GCM |
 *
 * Each period of time has a random key of its own, and the keys of those before it still open. A keeper makes all processes that
 * share it, at a time and one after the other, agree on them.
 */
import { concatBytes } from '../core/bytes.ts';
import { Reader, uint } from './presentation.ts';
import type { Aead, Crypto } from './primitives.ts';
import { decodeSession, encodeSession, type Session } from './session.ts';

/** Where keys outlive the process. */
export interface TicketKeyKeeper {
  find(period: number): Uint8Array | undefined;
  /** Keeps a key, unless there is one of this period already; returns the one that counts. */
  keep(period: number, key: Uint8Array): Uint8Array;
}

const nameLength = 4;
const nonceLength = 12;
const keyLength = 16;
/** A ticket is made in a period of half its lifetime, and is over two periods later. */
const periodsPerLifetime = 2;

export class TicketKeys {
  readonly #crypto: Crypto;
  readonly #lifetimeMs: number;
  readonly #keeper: TicketKeyKeeper | undefined;
  readonly #known = new Map<number, Aead>();

  /**
   * @param lifetimeMs of tickets
   * @param keeper undefined: tickets end with the process
   */
  constructor(crypto: Crypto, lifetimeMs: number, keeper?: TicketKeyKeeper) {
    this.#crypto = crypto;
    this.#lifetimeMs = lifetimeMs;
    this.#keeper = keeper;
  }

  get lifetimeSeconds(): number {
    return Math.floor(this.#lifetimeMs / 1000);
  }

  seal(session: Session, nowMs: number): Uint8Array {
    const period = this.#periodOf(nowMs);
    const aead = this.#find(period) ?? this.#make(period);
    const name = uint(period, nameLength);
    const plaintext = encodeSession(session);
    const nonce = this.#crypto.randomBytes(nonceLength);
    const sealed = new Uint8Array(plaintext.length + aead.tagLength);
    aead.seal(nonce, name, plaintext, sealed, 0);
    return concatBytes([name, nonce, sealed]);
  }

  /** The session in a ticket; undefined where the ticket is not of ours, or too old. */
  open(ticket: Uint8Array, nowMs: number): Session | undefined {
    if (ticket.length < nameLength + nonceLength) return undefined;
    const name = ticket.subarray(0, nameLength);
    const period = new Reader(name).uint(nameLength);
    const current = this.#periodOf(nowMs);
    // Others of this time are nobody's: their keys are not even looked for.
    if (period > current || period < current - periodsPerLifetime) return undefined;
    const nonce = ticket.subarray(nameLength, nameLength + nonceLength);
    const plaintext = this.#find(period)?.open(nonce, name, ticket.subarray(nameLength + nonceLength));
    const session = plaintext === undefined ? undefined : decodeSession(plaintext);
    return session !== undefined && nowMs - session.createdMs < this.#lifetimeMs ? session : undefined;
  }

  #periodOf(nowMs: number): number {
    return Math.floor((nowMs * periodsPerLifetime) / this.#lifetimeMs);
  }

  #find(period: number): Aead | undefined {
    const known = this.#known.get(period);
    if (known !== undefined) return known;
    const key = this.#keeper?.find(period);
    return key === undefined ? undefined : this.#remember(period, key);
  }

  #make(period: number): Aead {
    const key = this.#crypto.randomBytes(keyLength);
    return this.#remember(period, this.#keeper?.keep(period, key) ?? key);
  }

  #remember(period: number, key: Uint8Array): Aead {
    for (const old of this.#known.keys()) if (old < period - periodsPerLifetime) this.#known.delete(old);
    const aead = this.#crypto.aesGcm(key);
    this.#known.set(period, aead);
    return aead;
  }
}
