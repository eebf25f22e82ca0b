/** What the gateway says of itself, in each form that it has. */
import { contentFormat, isValueFormat } from '../cbor/content-format.ts';
import { encodeRepresentation } from '../cbor/representation.ts';
import { utf8 } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import { functionCddl } from '../directory/cddl.ts';
import { functionValue } from '../directory/describe.ts';
import { parametersSchema } from '../directory/json-schema.ts';
import { encodeLinkFormat, type Link } from '../directory/link-format.ts';
import type { FunctionDescription } from '../functions/description.ts';

/** One thing in the forms it can be given in. */
export interface Described {
  readonly value?: () => Value;
  readonly links?: () => readonly Link[];
  readonly text?: () => string;
}

export type DescriptionForm = 'description' | 'schema' | 'cddl';

export function describedFunction(fn: FunctionDescription, form: DescriptionForm): Described {
  switch (form) {
    case 'description':
      return { value: () => functionValue(fn) };
    case 'schema':
      return { value: () => parametersSchema(fn) };
    case 'cddl':
      return { text: () => functionCddl(fn) };
  }
}

/** Undefined where it has no form in this Content-Format. */
export function encodeDescribed({ value, links, text }: Described, format: number): Uint8Array | undefined {
  if (format === contentFormat.linkFormat) return links && utf8(encodeLinkFormat(links()));
  if (format === contentFormat.text) return text && utf8(text());
  return value && isValueFormat(format) ? encodeRepresentation(value(), format) : undefined;
}
