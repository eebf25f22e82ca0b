/** What an endpoint tells its owner, beside the datagrams. */
import type { Address, Endpoint } from '../core/datagram.ts';
import type { AlertDescription } from './alert.ts';
import type { AssociationEndpoint } from './association.ts';
import type { Established } from './handshake.ts';

/** Why an association ended. */
export type CloseReason =
  /** The peer has said that it is over, or what went wrong. */
  | { readonly kind: 'by-peer'; readonly alert: AlertDescription | undefined }
  | { readonly kind: 'by-us' }
  /** A client's: the peer answers nothing over it, or nothing listens there any more. It may have forgotten the association. */
  | { readonly kind: 'silent' | 'unreachable' }
  /** The same peer has made a new one. */
  | { readonly kind: 'replaced' }
  /** There were too many, and this one was quiet for longest. */
  | { readonly kind: 'evicted' };

export type DtlsEvent =
  | { readonly type: 'established'; readonly endpoint: AssociationEndpoint; readonly result: Established }
  | { readonly type: 'closed'; readonly endpoint: AssociationEndpoint; readonly reason: CloseReason }
  /**
   * RFC 9146 §6: an authentic record, newer than all before, came from another address. Answers go there from now on, and
   * whether the peer receives there is not known (`Association.unverifiedAddress`).
   */
  | { readonly type: 'moved'; readonly endpoint: AssociationEndpoint; readonly from: Address }
  /** The peer has shown that it receives at its new address. */
  | { readonly type: 'verified'; readonly endpoint: AssociationEndpoint }
  /** A handshake came to nothing. */
  | {
      readonly type: 'failed';
      readonly peer: Endpoint;
      /** A client's: what waited for it will not be sent. */
      readonly endpoint: AssociationEndpoint;
      readonly alert: AlertDescription;
      /** Who refused it; `user_canceled` where nobody did. */
      readonly by: 'us' | 'peer';
      /** For people. */
      readonly reason: string;
    };
