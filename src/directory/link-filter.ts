/**
 * Choosing links by query (RFC 6690 §4.1): `rt=func`, `href=/func/oslist/*`, `ct=60`.
 *
 * Beyond the RFC, several items must all match, and an item without "=" asks for the attribute's
 * existence as `name=*` does. Items that begin with "_" are the gateway's control words and no filters.
 */
import type { Link } from './link-format.ts';

export interface LinkFilter {
  /** An attribute, or `href` for the target. */
  readonly name: string;
  readonly value: string;
  /** The query ended in "*": `value` is what the attribute begins with. */
  readonly prefix: boolean;
}

/** Values of these are separated by spaces, each matched as if it stood alone (RFC 6690 §4.1, RFC 7252 §7.2.1). */
const listAttributes: ReadonlySet<string> = new Set(['rt', 'if', 'rel', 'rev', 'ct']);

/** The filters in the items of a query, already percent-decoded. */
export function parseLinkFilters(query: readonly string[]): LinkFilter[] {
  const filters: LinkFilter[] = [];
  for (const item of query) {
    if (item === '' || item.startsWith('_')) continue;
    const at = item.indexOf('=');
    const name = at < 0 ? item : item.slice(0, at);
    const wanted = at < 0 ? '*' : item.slice(at + 1);
    const prefix = wanted.endsWith('*');
    filters.push({ name, value: prefix ? wanted.slice(0, -1) : wanted, prefix });
  }
  return filters;
}

/** The links that match every filter; all of them where there is none. */
export const filterLinks = (links: readonly Link[], filters: readonly LinkFilter[]): Link[] =>
  links.filter((link) => filters.every((filter) => matches(link, filter)));

function matches(link: Link, { name, value, prefix }: LinkFilter): boolean {
  const fits = (text: string): boolean => (prefix ? text.startsWith(value) : text === value);
  if (name === 'href') return fits(link.target);
  return link.attributes.some((attribute) => {
    if (attribute.name !== name) return false;
    const text = attribute.value ?? '';
    return listAttributes.has(name) ? text.split(' ').some(fits) : fits(text);
  });
}
