/** The refusal of CBOR that is not well-formed or not valid (RFC 8949 §5.2, §5.3). */
import { PeerError } from '../core/error.ts';

export function malformedCbor(why: string, at: number): PeerError {
  return new PeerError('malformed-body', `The CBOR body is refused at byte ${at}: ${why}.`);
}
