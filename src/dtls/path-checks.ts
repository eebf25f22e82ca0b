/** Return routability of associations whose peers have moved (RFC 9853): when one is asked, and what its answer is good for. */
import type { Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import type { Association } from './association.ts';
import type { Associations } from './associations.ts';
import type { Crypto } from './primitives.ts';
import { contentType } from './record.ts';
import { decodePathMessage, encodePathMessage, PathCheck } from './return-routability.ts';

export class PathChecks {
  readonly #crypto: Crypto;
  readonly #associations: Associations;

  constructor(crypto: Crypto, associations: Associations) {
    this.#crypto = crypto;
    this.#associations = associations;
  }

  /** Asks a peer whether it receives where it was seen, unless it was asked there a moment ago. */
  check(association: Association, now: Instant): void {
    const { whereabouts, pathCheck } = association;
    if (pathCheck?.isOver(whereabouts.key, now) === false) return;
    const check = new PathCheck(this.#crypto, whereabouts.key, now);
    const { returnRoutabilityCheck } = contentType;
    // Without a number for it, the next record will do.
    if (this.#associations.sendProtected(association, returnRoutabilityCheck, check.challenge))
      association.pathCheck = check;
  }

  /** False where the message is of no use. */
  receive(association: Association, content: Uint8Array, peer: Endpoint, now: Instant): boolean {
    const message = association.returnRoutability ? decodePathMessage(content) : undefined;
    if (message === undefined) return false;
    if (message.type === 'path_challenge') {
      const answer = encodePathMessage({ type: 'path_response', cookie: message.cookie });
      // RFC 9853 §5.4: on the path that is asked about.
      return this.#associations.sendProtected(association, contentType.returnRoutabilityCheck, answer, peer);
    }
    if (association.pathCheck?.isAnsweredBy(message, peer.key) !== true) return false;
    this.#associations.verify(association, now);
    return true;
  }
}
