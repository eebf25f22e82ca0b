/**
 * Sessions that can be resumed (RFC 5246 §7.3), by an ID that the server remembers or in a ticket that the client keeps
 * (RFC 5077). Only sessions with an extended master secret are (RFC 7627 §5.3).
 */
import { concatBytes, hex, textOf, utf8 } from '../core/bytes.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import { peerKinds, type PeerIdentity } from './credentials.ts';
import { Reader, uint, vector } from './presentation.ts';

export interface Session {
  readonly cipherSuite: number;
  readonly masterSecret: Uint8Array;
  /** Who was at the other end. */
  readonly identity: PeerIdentity;
  /** When the full handshake was, in milliseconds since 1970. */
  readonly createdMs: number;
}

/** What a client keeps to resume a session. */
export interface ClientSession {
  readonly session: Session;
  /** By which the server remembers it; empty where there is a ticket. */
  readonly id: Uint8Array;
  /** Empty where the server remembers it. */
  readonly ticket: Uint8Array;
}

/** | cipher suite 2 | created 6 | master secret 1+ | kind of identity 1 | name 2+ | */
export const encodeSession = ({ cipherSuite, masterSecret, identity, createdMs }: Session): Uint8Array =>
  concatBytes([
    uint(cipherSuite, 2),
    uint(createdMs, 6),
    vector(1, masterSecret),
    uint(peerKinds.indexOf(identity.kind), 1),
    vector(2, utf8(identity.name)),
  ]);

/** Of bytes that this process or one before it has written and sealed. */
export function decodeSession(bytes: Uint8Array): Session | undefined {
  const reader = new Reader(bytes);
  const cipherSuite = reader.uint(2);
  const createdMs = reader.uint(6);
  const masterSecret = reader.vector(1);
  const kind = peerKinds[reader.uint(1)];
  const name = textOf(reader.vector(2));
  return kind === undefined || name === undefined
    ? undefined
    : { cipherSuite, createdMs, masterSecret, identity: { kind, name } };
}

/** Told of sessions that must not be forgotten with the process; none of it is waited for. */
export interface SessionJournal {
  /** A session can be resumed by its ID. */
  remembered(sessionId: Uint8Array, session: Session): void;
  /** It cannot any more. */
  forgotten(sessionId: Uint8Array): void;
}

/** What a server remembers by session ID: bounded, what was not used for longest out. */
export class SessionCache {
  readonly #sessions: GenerationalMap<string, Session>;
  readonly #lifetimeMs: number;
  readonly #journal: SessionJournal | undefined;

  constructor(maxSessions: number, lifetimeMs: number, journal?: SessionJournal) {
    this.#sessions = new GenerationalMap({ maxEntries: maxSessions });
    this.#lifetimeMs = lifetimeMs;
    this.#journal = journal;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: Uint8Array, nowMs: number): Session | undefined {
    if (id.length === 0) return undefined;
    const session = this.#sessions.get(hex(id));
    return session !== undefined && nowMs - session.createdMs < this.#lifetimeMs ? session : undefined;
  }

  set(id: Uint8Array, session: Session): void {
    this.#sessions.set(hex(id), session);
    this.#journal?.remembered(id, session);
  }

  /** One that a process before this one has remembered. */
  restore(id: Uint8Array, session: Session): void {
    this.#sessions.set(hex(id), session);
  }

  /** RFC 5246 §7.2.2: a session of which a connection ended with a fatal alert is not resumed. */
  delete(id: Uint8Array): void {
    if (this.#sessions.delete(hex(id))) this.#journal?.forgotten(id);
  }
}
