/** What the gateway says of itself: representations of descriptions and lists, in the format that is accepted. */
import { etagOf } from '../../cache/etag.ts';
import { contentFormat, isValueFormat } from '../../cbor/content-format.ts';
import { encodeRepresentation } from '../../cbor/representation.ts';
import { responseCode } from '../../coap/codec/codes.ts';
import { findOptions, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import { equalBytes, utf8 } from '../../core/bytes.ts';
import type { Value } from '../../core/value.ts';
import { functionCddl } from '../../directory/cddl.ts';
import { functionValue } from '../../directory/describe.ts';
import { parametersSchema } from '../../directory/json-schema.ts';
import { encodeLinkFormat, type Link } from '../../directory/link-format.ts';
import { CallError } from '../../functions/call-error.ts';
import type { FunctionDescription } from '../../functions/description.ts';

/** One thing in the forms it can be given in. */
export interface Described {
  readonly value?: () => Value;
  readonly links?: () => readonly Link[];
  readonly text?: () => string;
}

/** The answer in the format accepted, or in the first that there is: CBOR, link format, text. */
export function describe(request: Request, described: Described): Response {
  const accept = findUint(request.options, optionNumber.accept);
  const format = accept ?? defaultFormat(described);
  const payload = encode(described, format);
  if (payload === undefined) {
    throw new CallError(
      'not-acceptable',
      `This cannot be given in Content-Format ${format}; leave Accept out for the one it is in.`,
    );
  }
  const etag = etagOf(format, payload);
  if (findOptions(request.options, optionNumber.etag).some((known) => equalBytes(known, etag))) {
    return response(responseCode.valid, { etag });
  }
  return response(responseCode.content, { etag, contentFormat: format, payload });
}

export function describeFunction(
  request: Request,
  fn: FunctionDescription,
  form: 'description' | 'schema' | 'cddl',
): Response {
  switch (form) {
    case 'description':
      return describe(request, { value: () => functionValue(fn) });
    case 'schema':
      return describe(request, { value: () => parametersSchema(fn) });
    case 'cddl':
      return describe(request, { text: () => functionCddl(fn) });
  }
}

function defaultFormat(described: Described): number {
  if (described.value !== undefined) return contentFormat.cbor;
  return described.links === undefined ? contentFormat.text : contentFormat.linkFormat;
}

function encode({ value, links, text }: Described, format: number): Uint8Array | undefined {
  if (format === contentFormat.linkFormat) return links && utf8(encodeLinkFormat(links()));
  if (format === contentFormat.text) return text && utf8(text());
  return value && isValueFormat(format) ? encodeRepresentation(value(), format) : undefined;
}
