/** The value of an answer. Made anew each time: callers may change what they are given. */
import { isValueFormat } from '../../cbor/content-format.ts';
import { asReference } from '../../cbor/reference-tag.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { defaultDecodeLimits } from '../../cbor/limits.ts';
import type { ObjectReference } from '../../core/object-reference.ts';
import type { Value } from '../../core/value.ts';
import type { DoorAnswer } from './door.ts';

/** @param stand what stands for an object of the gateway; undefined: its reference */
export function valueOf(
  { contentFormat: format, payload }: DoorAnswer,
  stand?: (reference: ObjectReference) => object,
): Value {
  if (format === undefined || !isValueFormat(format)) return payload.length === 0 ? undefined : payload;
  const value = (content: Value, at: number): Value => {
    const reference = asReference.value(content, at);
    // What an application is given may be any object.
    return stand === undefined ? reference : (stand(reference as ObjectReference) as Value);
  };
  return decodeRepresentation(payload, format, defaultDecodeLimits, { tag: asReference.tag, value });
}
