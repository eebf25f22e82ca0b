/** The body of a call, decoded. */
import { defaultDecodeLimits } from '../cbor/limits.ts';
import { asReference } from '../cbor/reference-tag.ts';
import { decodeRepresentation } from '../cbor/representation.ts';
import { PeerError } from '../core/error.ts';
import { CallError } from '../functions/call-error.ts';
import { takesObjects, type ArgumentInput } from '../functions/binding.ts';
import type { FunctionDescription } from '../functions/description.ts';

/** For a function that takes objects, tag 39 is one. @throws CallError `malformed-body`, `unsupported-format` */
export function readBody(
  fn: Pick<FunctionDescription, 'method' | 'parameters' | 'classes'>,
  bytes: Uint8Array,
  format: number,
): ArgumentInput {
  const ownTag = fn.classes !== undefined && takesObjects(fn) ? asReference : undefined;
  try {
    return { kind: 'body', value: decodeRepresentation(bytes, format, defaultDecodeLimits, ownTag) };
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    throw new CallError(error.code === 'unsupported-format' ? 'unsupported-format' : 'malformed-body', error.message);
  }
}
