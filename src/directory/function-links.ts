/**
 * Links to libraries and functions, for /.well-known/core (RFC 6690 §4) and for /func in link format.
 *
 *     </func>;rt="func.dir";ct="60 50 40"
 *     </func/math>;rt="func.lib";title="Arithmetic";ct="60 50 40";f="2"
 *     </func/math/add>;rt="func";title="Adds two numbers";ct="60 50 0 42";f="2/0"
 *
 *     </func/stock/ticks>;rt="func func.stream";title="Prices as they come";ct="63";f="4/0";obs
 *
 *     </func/bank/Account>;rt="func.class";title="An account";f="5/0"
 *
 * What can be observed has `obs`: pure functions and streams. `f` is the compact id: the path below /f. It is missing where the folder could not be locked.
 * A library that failed to load has the attribute `err`; what cannot be called has no link, but for classes, of which POST makes objects.
 * Who may see what is decided before: only what the caller may call is handed in.
 */
import { contentFormat } from '../cbor/content-format.ts';
import { encodeUriSegment } from '../coap/codec/uri.ts';
import { isClass, isOffered, type DescribedFunction, type DescribedLibrary } from './described.ts';
import { filterLinks, parseLinkFilters } from './link-filter.ts';
import type { Link, LinkAttribute } from './link-format.ts';

/** The resource types (`rt`) of what the directory lists. */
const resourceType = {
  directory: 'func.dir',
  library: 'func.lib',
  function: 'func',
  stream: 'func func.stream',
  class: 'func.class',
} as const;

/** What the directory's own resources are offered in, in the order of preference. */
const directoryFormats: readonly number[] = [contentFormat.cbor, contentFormat.json, contentFormat.linkFormat];

/** What results of functions are offered in, in the order of preference. */
const resultFormats: readonly number[] = [
  contentFormat.cbor,
  contentFormat.json,
  contentFormat.text,
  contentFormat.octetStream,
];

/** Those of items that come one after the other. */
const streamFormats: readonly number[] = [contentFormat.cborSequence];

/** RFC 7641 §6: it is worth observing. */
const observable: LinkAttribute = { name: 'obs', value: undefined };

/**
 * The links of /.well-known/core: entry points and libraries; functions too where the query filters.
 *
 * @param entryPoints what the gateway offers beside /func, such as /clock.
 * @param query the Uri-Query items.
 */
export function coreLinks(
  entryPoints: readonly Link[],
  libraries: readonly DescribedLibrary[],
  query: readonly string[],
): Link[] {
  const always = [directoryLink, ...entryPoints, ...libraryLinks(libraries)];
  const filters = parseLinkFilters(query);
  return filters.length === 0 ? always : filterLinks([...always, ...libraries.flatMap(functionLinks)], filters);
}

/** The links of /func: one for each library. */
export const libraryLinks = (libraries: readonly DescribedLibrary[]): Link[] => libraries.map(libraryLink);

/** The links of /func/{library}: one for each function that can be called, and for each class. */
export const functionLinks = (library: DescribedLibrary): Link[] =>
  library.functions.filter(isOffered).map(functionLink);

const directoryLink: Link = {
  target: '/func',
  attributes: attributes(resourceType.directory, undefined, directoryFormats, undefined),
};

function libraryLink(library: DescribedLibrary): Link {
  const id = library.id === undefined ? undefined : String(library.id);
  const listed = attributes(resourceType.library, library.title, directoryFormats, id);
  return {
    target: `/func/${encodeUriSegment(library.name)}`,
    attributes: library.error === undefined ? listed : [...listed, { name: 'err', value: undefined }],
  };
}

function functionLink(fn: DescribedFunction): Link {
  const id = fn.libraryId === undefined || fn.id === undefined ? undefined : `${fn.libraryId}/${fn.id}`;
  return { target: `/func/${encodeUriSegment(fn.library)}/${encodeUriSegment(fn.method)}`, attributes: told(fn, id) };
}

function told(fn: DescribedFunction, id: string | undefined): LinkAttribute[] {
  // An answer of POST that has no representation: only its Location-Path says what was made.
  if (isClass(fn)) return attributes(resourceType.class, fn.title, [], id);
  if (fn.stream === true) return [...attributes(resourceType.stream, fn.title, streamFormats, id), observable];
  return [...attributes(resourceType.function, fn.title, resultFormats, id), ...(fn.pure ? [observable] : [])];
}

function attributes(
  type: string,
  title: string | undefined,
  formats: readonly number[],
  id: string | undefined,
): LinkAttribute[] {
  const list: LinkAttribute[] = [{ name: 'rt', value: type }];
  if (title !== undefined) list.push({ name: 'title', value: oneLine(title) });
  if (formats.length > 0) list.push({ name: 'ct', value: formats.join(' ') });
  if (id !== undefined) list.push({ name: 'f', value: id });
  return list;
}

/** RFC 2616 §2.2: no control characters in a quoted string. */
const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
