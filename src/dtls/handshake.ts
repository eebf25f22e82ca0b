/** What both sides of a handshake have in common: what they are given, and what comes of it. */
import type { Instant } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import type { CipherSuite } from './cipher-suites.ts';
import type { PeerIdentity } from './credentials.ts';
import type { HandshakeChannel } from './handshake-channel.ts';
import type { HandshakeMessage } from './handshake-message.ts';
import { keyBlock, recordProtection, verifyData, type KeyBlock, type Side } from './key-schedule.ts';
import type { DtlsOptions } from './options.ts';
import type { Crypto } from './primitives.ts';
import type { RecordLayer } from './record-layer.ts';
import type { RecordProtection } from './record-protection.ts';
import type { ClientSession } from './session.ts';
import type { Transcript } from './transcript.ts';

/** What is known of an association when its handshake is over. */
export interface Established {
  readonly suite: CipherSuite;
  readonly identity: PeerIdentity;
  readonly resumed: boolean;
  readonly extendedMasterSecret: boolean;
  readonly returnRoutability: boolean;
  /** A server's name for the session; empty where it remembers none. */
  readonly sessionId: Uint8Array;
  /** What a client may resume with; undefined for a server, and where the server offers nothing. */
  readonly clientSession: ClientSession | undefined;
}

export interface HandshakeContext {
  readonly options: DtlsOptions;
  readonly layer: RecordLayer;
  readonly channel: HandshakeChannel;
  readonly transcript: Transcript;
  /** The Connection ID that this end wants to be sent, should the peer know of them; empty for none. */
  readonly ownCid: Uint8Array;
  /** The handshake is over. The keys are for an association that outlives the process, and for nobody else's eyes. */
  readonly established: (result: Established, keys: KeyBlock, now: Instant) => void;
}

export interface Handshake {
  /** @throws FatalAlert where the handshake cannot go on. */
  receive(message: HandshakeMessage, now: Instant): void;
  changeCipherSpec(): void;
}

/** The keys of epoch 1 as they lie ready until the change_cipher_spec of each direction. */
export interface Protections {
  readonly client: RecordProtection;
  readonly server: RecordProtection;
  readonly keys: KeyBlock;
}

export function protections(
  crypto: Crypto,
  { cipher }: CipherSuite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Protections {
  const keys = keyBlock(crypto, cipher, master, clientRandom, serverRandom);
  return {
    client: recordProtection(crypto, cipher, keys.client),
    server: recordProtection(crypto, cipher, keys.server),
    keys,
  };
}

/** RFC 5246 §7.4.9. @throws FatalAlert where the peer has seen another handshake than this end. */
export function checkFinished(context: HandshakeContext, master: Uint8Array, side: Side, body: Uint8Array): void {
  const { crypto } = context.options;
  if (!crypto.equal(body, verifyData(crypto, master, side, context.transcript.hash()))) {
    throw new FatalAlert('decrypt_error', `The ${side}'s Finished message does not fit the handshake`);
  }
}

export function addFinished(context: HandshakeContext, master: Uint8Array, side: Side): void {
  const body = verifyData(context.options.crypto, master, side, context.transcript.hash());
  context.channel.addChangeCipherSpec();
  context.channel.add('finished', body, 1);
}
