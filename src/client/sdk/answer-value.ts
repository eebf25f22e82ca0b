/** The value of an answer. Made anew each time: callers may change what they are given. */
import { contentFormat, isValueFormat } from '../../cbor/content-format.ts';
import { asReference } from '../../cbor/reference-tag.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { defaultDecodeLimits } from '../../cbor/limits.ts';
import { utf8 } from '../../core/bytes.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedType } from '../../directory/described.ts';
import { converterOf, mismatch } from '../../functions/converter.ts';
import type { DoorAnswer } from './door.ts';

/** @param onReference called for each object of the gateway that is in it */
export function valueOf(
  { contentFormat: format, payload }: Pick<DoorAnswer, 'contentFormat' | 'payload'>,
  onReference: () => void = () => undefined,
): Value {
  if (format === undefined || !isValueFormat(format)) return payload.length === 0 ? undefined : payload;
  const value = (content: Value, at: number): Value => {
    onReference();
    return asReference.value(content, at);
  };
  return decodeRepresentation(payload, format, defaultDecodeLimits, { tag: asReference.tag, value });
}

/** JSON that says what it is declared to be: the gateway reads arguments in the same way. */
export const valueOfJson = (json: string, type: DescribedType | undefined): Value =>
  asDeclared(decodeRepresentation(utf8(json), contentFormat.json), type);

/** Of a form that cannot tell bytes, dates, big integers and objects from text. */
export function asDeclared(value: Value, type: DescribedType | undefined): Value {
  const read = type === undefined ? value : converterOf(type)(value, false);
  return read === mismatch ? value : read;
}
