/**
 * CoRE Link Format, Content-Format 40: text ⇄ links (RFC 6690 §2).
 * https://www.rfc-editor.org/rfc/rfc6690
 *
 *     </func/math/add>;rt="func";title="Adds two numbers";f="2/0",</clock>;obs
 *
 * Reading is lenient where the world is: white space around separators, any character in a value
 * without quotes. Left out: resolving targets against a base, and decoding `title*` (RFC 5987).
 */
import { PeerError, UsageError } from '../core/error.ts';

export interface Link {
  /** The URI reference between `<` and `>`, percent-encoded as it is there. */
  readonly target: string;
  /** In the order of the text; a name may come more than once. */
  readonly attributes: readonly LinkAttribute[];
}

export interface LinkAttribute {
  readonly name: string;
  /** Without quotes and escapes; undefined where there is a name only, as in `;obs`. */
  readonly value: string | undefined;
}

/** RFC 5987 §3.2.1 `parmname`, and the star of an extended one. */
const attributeName = /^[\w!#$&+\-.^`|~]+\*?$/;

/** RFC 6690 §2 `cardinal`: what `sz` and a single `ct` are (RFC 7252 §7.2.1), never quoted. */
const cardinal = /^(?:0|[1-9]\d*)$/;

/** RFC 6690 §2 `ptoken`, for extended values, which cannot be quoted. */
const ptoken = /^[\w!#$%&'()*+\-./:<=>?@[\]^`{|}~]+$/;

/**
 * Links as text; no links are the empty text.
 *
 * @throws UsageError `bad-link` for a target or an attribute name that the format cannot carry.
 */
export const encodeLinkFormat = (links: readonly Link[]): string => links.map(encodeLink).join(',');

function encodeLink({ target, attributes }: Link): string {
  if (/[<>\s\p{Cc}]/u.test(target)) {
    throw new UsageError('bad-link', `The link target ${JSON.stringify(target)} is not a URI: percent-encode it`);
  }
  let text = `<${target}>`;
  for (const { name, value } of attributes) {
    if (!attributeName.test(name)) {
      throw new UsageError('bad-link', `${JSON.stringify(name)} cannot be the name of a link attribute`);
    }
    text += value === undefined ? `;${name}` : `;${name}=${encodeValue(name, value)}`;
  }
  return text;
}

function encodeValue(name: string, value: string): string {
  const bare = name.endsWith('*') ? ptoken.test(value) : (name === 'sz' || name === 'ct') && cardinal.test(value);
  // RFC 2616 §2.2 quoted-string
  return bare ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * The links of a text.
 *
 * @throws PeerError `malformed-links` that names the place where the text stops being link format.
 */
export function parseLinkFormat(text: string): Link[] {
  const links: Link[] = [];
  let at = skipSpace(text, 0);
  if (at === text.length) return links;
  for (;;) {
    if (text[at] !== '<') throw malformed(text, at, 'a link begins with "<"');
    const end = text.indexOf('>', at);
    if (end < 0) throw malformed(text, at, 'the target has no ">"');
    const target = text.slice(at + 1, end);
    const attributes: LinkAttribute[] = [];
    at = skipSpace(text, end + 1);
    while (text[at] === ';') {
      const read = readAttribute(text, skipSpace(text, at + 1));
      attributes.push(read.attribute);
      at = skipSpace(text, read.end);
    }
    links.push({ target, attributes });
    if (at === text.length) return links;
    if (text[at] !== ',') throw malformed(text, at, 'after a link comes "," or ";"');
    at = skipSpace(text, at + 1);
  }
}

function readAttribute(text: string, start: number): { attribute: LinkAttribute; end: number } {
  let at = start;
  while (at < text.length && !/[=;,\s]/.test(text.charAt(at))) at += 1;
  const name = text.slice(start, at);
  if (!attributeName.test(name)) throw malformed(text, start, 'here is no attribute name');
  if (text[at] !== '=') return { attribute: { name, value: undefined }, end: at };
  at += 1;
  if (text[at] === '"') {
    const { value, end } = readQuoted(text, at + 1);
    return { attribute: { name, value }, end };
  }
  const valueStart = at;
  while (at < text.length && !/[;,\s]/.test(text.charAt(at))) at += 1;
  return { attribute: { name, value: text.slice(valueStart, at) }, end: at };
}

/** RFC 2616 §2.2: up to the quotation mark that has no backslash before it. */
function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = '';
  let copied = start;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return { value: value + text.slice(copied, at), end: at + 1 };
    if (text[at] === '\\') {
      value += text.slice(copied, at);
      at += 1;
      copied = at;
    }
  }
  throw malformed(text, start - 1, 'the value has no closing quotation mark');
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  return at;
}

function malformed(text: string, at: number, reason: string): PeerError {
  const near = JSON.stringify(text.slice(at, at + 20));
  return new PeerError('malformed-links', `This is not link format at character ${at} (${near}): ${reason}`);
}
