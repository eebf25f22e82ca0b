/** What doors beside CoAP are given: bytes in one of the formats that are accepted, and what they may be kept by. */
import { etagOf } from '../cache/etag.ts';
import { isValueFormat, type ValueFormat } from '../cbor/content-format.ts';
import { milliseconds } from '../core/duration.ts';
import { CallError } from '../functions/call-error.ts';
import type { DoorAnswer } from '../http/gateway-face.ts';
import { encodeDescribed, type Described } from './described.ts';

const noTime = milliseconds(0);

/** @throws CallError `not-acceptable` */
export function describedAnswer(described: Described, accept: readonly number[]): DoorAnswer {
  for (const format of accept) {
    const bytes = encodeDescribed(described, format);
    if (bytes === undefined) continue;
    return plainAnswer(bytes, format);
  }
  throw notAcceptable();
}

/** @param format undefined: there is nothing to say */
export const plainAnswer = (bytes: Uint8Array, format: number | undefined): DoorAnswer => {
  const etag = format === undefined ? undefined : etagOf(format, bytes);
  return { bytes, format, etag, maxAge: 0, private: true, cache: 'none', queued: noTime, ran: noTime };
};

/** The format for a value. @throws CallError `not-acceptable` */
export function valueFormat(accept: readonly number[]): ValueFormat {
  const format = accept.find(isValueFormat);
  if (format === undefined) throw notAcceptable();
  return format;
}

export const notAcceptable = (): CallError =>
  new CallError('not-acceptable', 'The answer has no form of those accepted; leave Accept out for the usual one.');
