/** The face of the addon: of udp-batch.c, whose header says what the words of a descriptor mean, and of what is compiled with it. */
import { getSystemErrorName } from 'node:util';

/** A socket of the addon; nothing but the addon can look into it. */
export type UdpHandle = object;

/** What a socket tells: how many datagrams have come, that it can be written again, an errno. */
export const udpEvent = { received: 0, writable: 1, error: 2 } as const;

/** Of aes-ccm.c, whose header says what lies where in `bytes`; false where that does not fit, or is not authentic. */
export interface CcmAddon {
  ccmSeal(bytes: Uint8Array, aadLength: number, length: number, tagLength: number): boolean;
  ccmOpen(bytes: Uint8Array, aadLength: number, length: number, tagLength: number): boolean;
}

/** CCM is there only where Node's OpenSSL has what it needs. */
export interface UdpAddon extends Partial<CcmAddon> {
  /** 64 descriptors, then the bytes of what has come: until the next event of any socket of this thread. */
  readonly incoming: ArrayBuffer;
  /** 256 descriptors, then room for the bytes of what is to be sent. */
  readonly outgoing: ArrayBuffer;
  /** The socket, or a negative errno. Options: see `openWords`; the port and buffer granted are written back. */
  open(options: Int32Array, event: (event: number, value: number) => void): UdpHandle | number;
  /**
   * The descriptor of a socket that is bound and never read here: for processes that adopt it, one after the
   * other. A negative errno where it cannot be had. Options: as for `open`, without `adopt`.
   */
  hold(options: Int32Array): number;
  /**
   * Has Linux divide the datagrams of all sockets that share this one's address and port by the Connection ID of DTLS records
   * (connection-id.c). 0, or a negative errno.
   */
  divideByConnectionId(descriptor: number): number;
  /** Sends descriptors from `first` up to `end`; the first that has to wait for `writable`, or `end`. */
  send(handle: UdpHandle, first: number, end: number): number;
  /** Of the group and interface in five words. 0, or a negative errno. */
  membership(handle: UdpHandle, joins: boolean, words: Int32Array): number;
  /**
   * Has Linux drop what is beyond these shares of the ClientHellos of DTLS that come (client-hello-filter.c): of those without a
   * cookie, and of those with one, as integers up to `allHellos`. 0, or a negative errno.
   */
  admitHellos(handle: UdpHandle, fresh: number, returning: number): number;
  close(handle: UdpHandle): void;
  /** 0 where there is none of this name. */
  interfaceIndex(name: string): number;
  interfaceName(index: number): string | undefined;
  /** Puts the calling thread behind the others of the process (thread-priority.c). 0, or a negative errno. */
  lowerPriority(): number;
}

export const allHellos = 0xffff_ffff;

/** Where what stands in a descriptor. */
export const word = {
  offset: 0,
  length: 1,
  /** Received: 1 where it was cut off. To be sent: the errno with which it failed. */
  result: 2,
  port: 3,
  remote: 4,
  scope: 8,
  interface: 9,
  local: 10,
  /** IPv4: the address of ours that it came to. */
  arrivedAt: 14,
} as const;

export const descriptorWords = 16;
export const incomingDescriptors = 64;
export const outgoingDescriptors = 256;
/** Where the bytes begin in `outgoing`. */
export const outgoingHeadBytes: number = outgoingDescriptors * descriptorWords * 4;

export const openWords = {
  family: 0,
  port: 1,
  flags: 2,
  receiveBufferBytes: 3,
  address: 4,
  scope: 8,
  /** With `adopt`: of a socket that another process holds for this one. */
  descriptor: 9,
  length: 10,
} as const;
export const openFlag = { shared: 1, packetInfo: 2, reusePort: 4, adopt: 8 } as const;

/** The system's name of an error, such as `EMSGSIZE`. */
export const errnoName = (errno: number): string => getSystemErrorName(-errno);
