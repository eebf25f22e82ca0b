/** What a request for a value says of formats, and of what it has already. */
import { contentFormat, isValueFormat, type ValueFormat } from '../../cbor/content-format.ts';
import { findOption, findOptions, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Request } from '../../coap/request.ts';
import { equalBytes } from '../../core/bytes.ts';
import { CallError } from '../../functions/call-error.ts';

/** What the body is in; CBOR where nothing is said, undefined where there is no body. */
export function bodyFormatOf(request: Request): number | undefined {
  if (request.payload.length === 0) return undefined;
  return findUint(request.options, optionNumber.contentFormat) ?? contentFormat.cbor;
}

/** What follows the first block comes from the answer that is stored. @throws CallError 'incomplete' where there is none */
export function checkFirstBlock({ block2 }: Request): void {
  if ((block2?.num ?? 0) === 0) return;
  throw new CallError('incomplete', 'There is no stored answer to continue with this block; ask for block 0 first.');
}

/** Accept, else the request's format, else CBOR. */
export function answerFormat(request: Request, bodyFormat: number | undefined): ValueFormat {
  const accept = findOption(request.options, optionNumber.accept) && findUint(request.options, optionNumber.accept);
  const wanted = accept ?? bodyFormat ?? contentFormat.cbor;
  if (isValueFormat(wanted)) return wanted;
  if (accept === undefined) checkBodyFormat(wanted);
  throw new CallError(
    'not-acceptable',
    `The answer cannot be given in Content-Format ${wanted}; accept 60, 50, 0 or 42.`,
  );
}

/** @throws CallError 'unsupported-format' */
export function checkBodyFormat(format: number | undefined): void {
  if (format === undefined || isValueFormat(format)) return;
  throw new CallError(
    'unsupported-format',
    `Content-Format ${format} is not understood; send 60 (CBOR), 50 (JSON), 0 (text) or 42 (octets).`,
  );
}

/** RFC 7252 §5.10.6.2: 2.03 is the answer. */
export const isCurrent = ({ options }: Request, etag: Uint8Array): boolean =>
  findOptions(options, optionNumber.etag).some((known) => equalBytes(known, etag));
