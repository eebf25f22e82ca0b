/**
 * What a transport moves: datagrams, each with the pair of addresses it travels between.
 * A coaps association is an endpoint too, with the association's id as its key.
 */
import type { Principal } from './principal.ts';

/** An IP address and UDP port, as text and number. */
export interface Address {
  /** IPv4 dotted or IPv6 (RFC 5952) with its zone where link-local; never a host name. */
  readonly address: string;
  readonly port: number;
}

/** A remote peer as seen through one of our local addresses. */
export interface Endpoint {
  /** Names the pair (local, remote), or the association. Equal keys are the same peer (RFC 7252 §1.2). */
  readonly key: string;
  readonly remote: Address;
  /** The local address that was asked: replies leave from it. */
  readonly local: Address;
  /** Both ends are on this machine. */
  readonly loopback: boolean;
  /** Who the peer has proved to be; left out where it has not: plain CoAP. */
  readonly principal?: Principal | undefined;
  /** The peer is known to receive at its address: an association. Left out where the transport cannot know. */
  readonly verified?: boolean;
  /** For who keeps something by endpoints, so that it need not be looked up. A transport may make an endpoint anew, without it. */
  note?: unknown;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly endpoint: Endpoint;
  /** Received through a multicast group (RFC 7252 §8); never set on datagrams to send. */
  readonly multicast: boolean;
}

/** What could not be sent, and why: a fact of life, reported and counted, never thrown. */
export interface SendFailure {
  readonly endpoint: Endpoint;
  /** The system's name, such as `EHOSTUNREACH`, `EMSGSIZE` or `ECONNREFUSED`. */
  readonly code: string;
}

/** Which share, from 0 to 1, of the ClientHellos of DTLS (RFC 6347 §4.2.1) is of use while too many of them come. */
export interface HelloShares {
  /** Of those without a cookie. */
  readonly fresh: number;
  /** Of those with one, which may be forged. */
  readonly returning: number;
}

/** Moves batches of datagrams and knows nothing of what is in them, but for what it may leave out. */
export interface DatagramTransport {
  /** The unicast addresses it listens on, with the ports really bound. */
  readonly addresses: readonly Address[];
  /** The endpoint for a peer that has not spoken yet (a client's first request). */
  endpoint(remote: Address): Endpoint;
  /** Hands datagrams to the kernel; the bytes belong to the transport until it has sent them. */
  send(batch: readonly Datagram[]): void;
  /** From now on no more than these need be handed over. A transport that cannot tell them apart is left without it. */
  admit?(shares: HelloShares): void;
  close(): Promise<void>;
}

/** Who is called when something arrives; set once, when the transport is opened. */
export interface DatagramReceiver {
  /**
   * Asked, where it is there and the transport can, before anything is made of the datagram that is `length` bytes from
   * `from` on of `bytes`. True: it is dropped, as the network might have.
   */
  refuses?(bytes: Uint8Array, from: number, length: number): boolean;
  receive(batch: readonly Datagram[]): void;
  sendFailed(failure: SendFailure): void;
}
