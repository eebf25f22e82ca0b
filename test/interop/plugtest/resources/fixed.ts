/**
 * Resources that are only read: /seg1/seg2/seg3, /query, /large, the links' targets (one representation), and
 * /multi-format (one for each of several Content-Formats, chosen by Accept, RFC 7252 §5.10.4).
 */
import { method } from '../../../../src/coap/codec/codes.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import { contentFormat } from '../../../../src/cbor/content-format.ts';
import { encodeRepresentation } from '../../../../src/cbor/representation.ts';
import { utf8 } from '../../../../src/core/bytes.ts';
import { CallError } from '../../../../src/functions/call-error.ts';
import { isAcceptable, read, text, type Representation } from '../representation.ts';

export class FixedResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = false;
  readonly #variants: (visit: Visit) => readonly Representation[];

  /** @param variants the first is given where there is no Accept */
  constructor(variants: (visit: Visit) => readonly Representation[]) {
    this.#variants = variants;
  }

  handle(visit: Visit): Answer {
    const variants = this.#variants(visit);
    const chosen = variants.find((variant) => isAcceptable(visit.request, variant));
    if (chosen === undefined) {
      throw new CallError(
        'not-acceptable',
        `Content-Formats here: ${variants.map(({ format }) => format).join(', ')}.`,
      );
    }
    return { response: read(visit.request, chosen) };
  }
}

export const textResource = (body: string): FixedResource => new FixedResource(() => [text(body)]);

export const queryResource: FixedResource = new FixedResource(({ query }) => [text(['Query:', ...query].join('\n'))]);

/** application/xml, RFC 7252 §12.3 */
const xml = 41;

export const multiFormatResource: FixedResource = new FixedResource(() => [
  text('status: it works'),
  { format: xml, body: utf8('<msg status="it works"/>') },
  ...[contentFormat.json, contentFormat.cbor].map((format) => ({
    format,
    body: encodeRepresentation({ status: 'it works' }, format),
  })),
]);

/** Lines of 64 bytes, so that a block of 64 bytes is a line and says which one. */
export const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${String(index).padStart(3, '0')} ${'.'.repeat(54)}\n`).join('');

const largeLines = 20;

/** 1280 bytes. */
export const largeResource: FixedResource = textResource(lines(largeLines));
