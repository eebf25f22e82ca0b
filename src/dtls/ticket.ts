/**
 * Tickets (RFC 5077 §4): a session sealed under a key that only servers know, kept by the client.
 *
 *     | key_name 4 | nonce 12 | session, sealed with AES-128-GCM |
 *
 * Keys change with the time of day, and those before the current one still open; whoever persists them hands them in again.
 */
import { concatBytes, equalBytes } from '../core/bytes.ts';
import type { Aead, Crypto } from './primitives.ts';
import { decodeSession, encodeSession, type Session } from './session.ts';

export interface TicketKey {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  /** In milliseconds since 1970. */
  readonly createdMs: number;
}

const nameLength = 4;
const nonceLength = 12;

interface Opened {
  readonly key: TicketKey;
  readonly aead: Aead;
}

export class TicketKeys {
  readonly #crypto: Crypto;
  readonly #lifetimeMs: number;
  readonly #onChange: (keys: readonly TicketKey[]) => void;
  /** The newest first. */
  #keys: Opened[];

  /**
   * @param lifetimeMs of tickets. A key makes them for half as long, and is kept until the last of them is over.
   * @param onChange told of all keys when there is a new one, so that tickets outlive the process.
   */
  constructor(
    crypto: Crypto,
    lifetimeMs: number,
    keys: readonly TicketKey[] = [],
    onChange: (keys: readonly TicketKey[]) => void = () => undefined,
  ) {
    this.#crypto = crypto;
    this.#lifetimeMs = lifetimeMs;
    this.#onChange = onChange;
    this.#keys = keys
      .map((key) => ({ key, aead: crypto.aesGcm(key.key) }))
      .sort((a, b) => b.key.createdMs - a.key.createdMs);
  }

  get lifetimeSeconds(): number {
    return Math.floor(this.#lifetimeMs / 1000);
  }

  seal(session: Session, nowMs: number): Uint8Array {
    const { key, aead } = this.#current(nowMs);
    const plaintext = encodeSession(session);
    const nonce = this.#crypto.randomBytes(nonceLength);
    const sealed = new Uint8Array(plaintext.length + aead.tagLength);
    aead.seal(nonce, key.name, plaintext, sealed, 0);
    return concatBytes([key.name, nonce, sealed]);
  }

  /** The session in a ticket; undefined where the ticket is not of ours, or too old. */
  open(ticket: Uint8Array, nowMs: number): Session | undefined {
    const name = ticket.subarray(0, nameLength);
    const found = this.#keys.find(({ key }) => equalBytes(key.name, name));
    if (found === undefined || ticket.length < nameLength + nonceLength) return undefined;
    const nonce = ticket.subarray(nameLength, nameLength + nonceLength);
    const plaintext = found.aead.open(nonce, name, ticket.subarray(nameLength + nonceLength));
    const session = plaintext === undefined ? undefined : decodeSession(plaintext);
    return session !== undefined && nowMs - session.createdMs < this.#lifetimeMs ? session : undefined;
  }

  #current(nowMs: number): Opened {
    const [newest] = this.#keys;
    if (newest !== undefined && nowMs - newest.key.createdMs < this.#lifetimeMs / 2) return newest;
    const key = {
      name: this.#crypto.randomBytes(nameLength),
      key: this.#crypto.randomBytes(16),
      createdMs: nowMs,
    };
    const made = { key, aead: this.#crypto.aesGcm(key.key) };
    const kept = this.#keys.filter(({ key }) => nowMs - key.createdMs < this.#lifetimeMs * 1.5);
    this.#keys = [made, ...kept];
    this.#onChange(this.#keys.map(({ key }) => key));
    return made;
  }
}
