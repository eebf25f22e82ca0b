/** The body of a call, decoded. */
import { decodeRepresentation } from '../cbor/representation.ts';
import { PeerError } from '../core/error.ts';
import { CallError } from '../functions/call-error.ts';
import type { ArgumentInput } from '../functions/binding.ts';

/** @throws CallError `malformed-body`, `unsupported-format` */
export function readBody(bytes: Uint8Array, format: number): ArgumentInput {
  try {
    return { kind: 'body', value: decodeRepresentation(bytes, format) };
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    throw new CallError(error.code === 'unsupported-format' ? 'unsupported-format' : 'malformed-body', error.message);
  }
}
