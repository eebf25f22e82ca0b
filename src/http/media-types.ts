/**
 * Media types and the Content-Formats that stand for them inside (the registry of RFC 7252 §12.3), and what a client
 * accepts (RFC 9110 §12.5.1). Left out: parameters other than q, charsets other than UTF-8.
 */
import { contentFormat } from '../cbor/content-format.ts';
import { flowTypes } from './flow.ts';
import type { FlowForm } from './gateway-face.ts';
import { GenerationalMap } from '../core/generational-map.ts';

const mediaTypes: ReadonlyMap<number, string> = new Map([
  [contentFormat.json, 'application/json'],
  [contentFormat.cbor, 'application/cbor'],
  [contentFormat.text, 'text/plain; charset=utf-8'],
  [contentFormat.octetStream, 'application/octet-stream'],
  [contentFormat.linkFormat, 'application/link-format'],
]);

/** What may be answered, in the order in which it is preferred where the client does not care. */
const offered: readonly number[] = [...mediaTypes.keys()];

export const mediaTypeOf = (format: number): string => mediaTypes.get(format) ?? 'application/octet-stream';

const essence = (text: string): string => (text.split(';', 1)[0] ?? '').trim().toLowerCase();

const formats: ReadonlyMap<string, number> = new Map([...mediaTypes].map(([format, type]) => [essence(type), format]));

/** The format of a body; undefined for one that no arguments come in. */
export function formatOf(contentType: string): number | undefined {
  // Nearly always, and said so.
  if (contentType === 'application/json') return contentFormat.json;
  const format = formats.get(essence(contentType));
  return format === contentFormat.linkFormat || (format === contentFormat.text && !isUtf8(contentType))
    ? undefined
    : format;
}

const isUtf8 = (contentType: string): boolean => {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  return charset === undefined || charset === 'utf-8' || charset === 'us-ascii';
};

/** The order where the client does not care, by the format of its request. */
const indifferent: ReadonlyMap<number | undefined, readonly number[]> = new Map(
  offered.map((first) => [first, [first, ...offered.filter((format) => format !== first)]]),
);

/** Clients are of few kinds, and each sends the same in every request. */
const maxRemembered = 256;
const longestRemembered = 256;
const remembered = new GenerationalMap<string, readonly number[]>({ maxEntries: maxRemembered });

/**
 * Content-Formats that the client takes, the best first: of what it likes equally, the format of its request, then JSON.
 * Empty where it takes none.
 */
export function acceptedFormats(accept: string | undefined, requestFormat: number | undefined): readonly number[] {
  if (accept === undefined || accept === '*/*') return indifferent.get(requestFormat) ?? offered;
  const key = `${requestFormat ?? ''} ${accept}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const list = byQuality(indifferent.get(requestFormat) ?? offered, accept, mediaTypeOf);
  if (key.length <= longestRemembered) remembered.set(key, list);
  return list;
}

/** The forms of answers that come one after the other, the best first: where the client does not care, lines of JSON. */
export const acceptedFlows = (accept = '*/*'): readonly FlowForm[] =>
  byQuality<FlowForm>(['lines', 'events', 'sequence'], accept, (form) => flowTypes[form]);

function byQuality<Kind>(order: readonly Kind[], accept: string, typeOf: (kind: Kind) => string): Kind[] {
  const ranges = accept.split(',').map(readRange);
  const quality = (kind: Kind): number => {
    const type = essence(typeOf(kind));
    // The most specific range that matches is the one that counts.
    const matching = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'].map((range) =>
      ranges.find((candidate) => candidate.type === range),
    );
    return matching.find((range) => range !== undefined)?.q ?? 0;
  };
  return order.filter((kind) => quality(kind) > 0).toSorted((a, b) => quality(b) - quality(a));
}

function readRange(text: string): { readonly type: string; readonly q: number } {
  const q = /;\s*q\s*=\s*([\d.]+)/i.exec(text)?.[1];
  return { type: essence(text), q: q === undefined ? 1 : Number(q) };
}
