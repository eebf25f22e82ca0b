/** Why a request of ours got no answer, in words. */
import type { RequestFailure } from '../coap/exchange/client-exchange.ts';
import { FuncoapError, type ErrorFamily } from '../core/error.ts';

/** It was not the peer that ended it. */
export type GivenUp = 'aborted' | 'closed';

/** What happened to the association that a request was for. */
export type SecurityFailure =
  | 'handshake'
  | 'no-common-suite'
  | 'credential-refused'
  | 'gateway-not-trusted'
  | 'handshake-broken'
  | 'handshake-timeout'
  | 'association-closed';

const failureWords: Readonly<Record<RequestFailure | GivenUp | SecurityFailure, string>> = {
  'timeout': 'did not answer in time; see that a gateway is running there',
  'unreachable':
    'cannot be reached: nothing listens there; see that the address and port are right and a gateway is running',
  'reset': 'rejected the message: a CoAP endpoint is there, but it does not take this request',
  'bad-option': 'answered with a critical option that is not understood',
  'congested': 'has too many requests waiting already; wait for answers before sending more',
  'too-large': 'sent more than the limit for one answer; raise maxResponseBytes if you expect that much',
  'changed': 'changed the representation while it was being read, again and again; try later',
  'bad-block': 'answered with a block that was not asked for',
  'aborted': 'was given up',
  'handshake': 'refused the DTLS handshake: it does not know this identity, or the key is not the one that it has',
  'no-common-suite':
    'takes no cipher suite that goes with these credentials; a gateway takes certificates and raw public keys once it has one itself (`funcoap ca init`)',
  'credential-refused': 'does not take the certificate or raw public key that was shown',
  'gateway-not-trusted': 'is not believed to be who was meant',
  'handshake-broken': 'did not keep to DTLS 1.2 in the handshake',
  'handshake-timeout':
    'did not finish the DTLS handshake in time; see that coaps is open there (`serve` says so), and that the key is the right one',
  'association-closed': 'ended the DTLS association; the identity may have been revoked, or the gateway was stopped',
  'closed': 'was given up, because the client was closed',
};

/** HTTP has no Reset: there the connection fails. */
const connectionFailed =
  'was not answered, because the connection failed; if the gateway was stopped meanwhile, the call may have run';

/** A request that got no answer. `code` is `request-` and one of `RequestFailure`, `GivenUp` or `SecurityFailure`. */
export class RequestError extends FuncoapError {
  readonly family: ErrorFamily = 'peer';

  /** @param detail what more is known of it */
  constructor(reason: RequestFailure | GivenUp | SecurityFailure, uri: string, detail?: string) {
    const words = reason === 'reset' && /^https?:/i.test(uri) ? connectionFailed : failureWords[reason];
    // Without the query, part of which may be the client's own.
    const said = `${uri.replace(/\?.*$/s, '')} ${words}`;
    super(`request-${reason}`, detail === undefined ? `${said}.` : `${said}: ${detail}.`);
  }
}
