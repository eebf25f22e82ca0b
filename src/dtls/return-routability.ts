/**
 * Return routability (RFC 9853), the basic check (§5.1): whether a peer that was seen at a new address receives there.
 *
 *     | msg_type 1: path_challenge 0, path_response 1, path_drop 2 | cookie 8 |
 *
 * Left out: the enhanced check (§5.2), which asks at the old address first and waits there for its timeout: a second more for each
 * device behind a NAT, at each change. It guards against one who forwards records faster than the network; such a one
 * gains nothing here but to forward more, since what the application does is bound to the association. path_drop answers only
 * that check, and this end never leaves a path of its own accord, so it neither expects nor sends one.
 */
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { seconds, type Instant } from '../core/duration.ts';
import type { Crypto } from './primitives.ts';

const messageTypes = { path_challenge: 0, path_response: 1 } as const;
type PathMessageType = keyof typeof messageTypes;

const cookieLength = 8;
/** RFC 9853 §5.5: the check waits for a second where the round-trip time is not known. */
const patience = seconds(1);

export interface PathMessage {
  readonly type: PathMessageType;
  readonly cookie: Uint8Array;
}

/** Undefined for other messages, which are ignored. */
export function decodePathMessage(content: Uint8Array): PathMessage | undefined {
  if (content.length !== 1 + cookieLength) return undefined;
  const cookie = content.subarray(1);
  if (content[0] === messageTypes.path_challenge) return { type: 'path_challenge', cookie };
  return content[0] === messageTypes.path_response ? { type: 'path_response', cookie } : undefined;
}

export const encodePathMessage = ({ type, cookie }: PathMessage): Uint8Array =>
  concatBytes([Uint8Array.of(messageTypes[type]), cookie]);

/** A challenge that was sent to one address. */
export class PathCheck {
  readonly #cookie: Uint8Array;
  readonly #place: string;
  readonly #sentAt: Instant;

  /** @param place the key of the endpoint that is asked. */
  constructor(crypto: Crypto, place: string, now: Instant) {
    this.#cookie = crypto.randomBytes(cookieLength);
    this.#place = place;
    this.#sentAt = now;
  }

  get challenge(): Uint8Array {
    return encodePathMessage({ type: 'path_challenge', cookie: this.#cookie });
  }

  /** It was not answered in time, or it was sent to another place: one more is due. */
  isOver(place: string, now: Instant): boolean {
    return this.#place !== place || now - this.#sentAt >= patience;
  }

  isAnsweredBy({ type, cookie }: PathMessage, place: string): boolean {
    return type === 'path_response' && this.#place === place && equalBytes(cookie, this.#cookie);
  }
}
