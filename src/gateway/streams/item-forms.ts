/** An item of a stream as bytes: alone, with its index, and how many there were. */
import { contentFormat } from '../../cbor/content-format.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { encodeRepresentation } from '../../cbor/representation.ts';
import { concatBytes } from '../../core/bytes.ts';
import { UsageError } from '../../core/error.ts';
import { CallError } from '../../functions/call-error.ts';
import type { StreamItem } from '../../functions/opened-stream.ts';

/** RFC 8949 §3.1: an array of two items, whose encodings follow. */
const pair = new Uint8Array([0x82]);

/** @throws CallError 'unencodable-result' */
export function itemCbor({ cbor }: StreamItem): Uint8Array {
  if (cbor === undefined) throw unencodable('CBOR cannot carry it');
  return cbor;
}

/** `[index, item]` @throws CallError 'unencodable-result' */
export const indexedCbor = (index: number, item: StreamItem): Uint8Array =>
  concatBytes([pair, encodeCbor(index), itemCbor(item)]);

/** `[count]`: the stream is over. */
export const endCbor = (count: number): Uint8Array => encodeCbor([count]);

/** One line. @throws CallError 'unencodable-result' */
export function itemJson({ value }: StreamItem): Uint8Array {
  try {
    return encodeRepresentation(value ?? null, contentFormat.json);
  } catch (error) {
    if (error instanceof UsageError) throw unencodable(error.message, error);
    throw error;
  }
}

const unencodable = (why: string, cause?: unknown): CallError =>
  new CallError('unencodable-result', `An item of the stream cannot be sent: ${why}.`, { cause });
