/**
 * coap and coaps URIs ⇄ options: RFC 7252 §6.4 and §6.5, with the zones of link-local IPv6
 * addresses (RFC 6874, and the plain `%eth0` that people type).
 *
 * Beyond the RFC, characters outside ASCII are taken as UTF-8, as an IRI has them (RFC 3987 §3.1).
 * Left out: relative references, IPvFuture, and name resolution, so that a host name is always
 * sent as Uri-Host.
 */
import { textOf, utf8 } from '../../core/bytes.ts';
import { UsageError } from '../../core/error.ts';
import { isIpv4, isIpv6 } from './ip-literal.ts';
import { findOption, findOptions, findUint, optionNumber, stringOption, uintOption, type Option } from './options.ts';

export type CoapScheme = 'coap' | 'coaps';

/** RFC 7252 §6.1, §6.2. */
const defaultPort: Readonly<Record<CoapScheme, number>> = { coap: 5683, coaps: 5684 };

/** Where a request goes and the options that carry the rest of its URI. */
export interface CoapUri {
  readonly scheme: CoapScheme;
  /** An IP address without brackets, with its zone (`fe80::1%eth0`), or a host name in lower case. */
  readonly host: string;
  readonly port: number;
  /** Uri-Host, Uri-Port, Uri-Path and Uri-Query, in ascending order. */
  readonly options: readonly Option[];
}

/**
 * Decomposes a URI (RFC 7252 §6.4).
 *
 * @param destinationPort the UDP port that the request is really sent to, where it is not the
 *   URI's own (through a proxy or a tunnel): then Uri-Port says which was meant.
 * @throws UsageError `bad-uri` with a sentence on what is wrong with it.
 */
export function parseCoapUri(text: string, destinationPort?: number): CoapUri {
  const fail = (reason: string): UsageError => new UsageError('bad-uri', `"${text}": ${reason}`);
  const parts = /^([^:/?#]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/su.exec(text);
  const scheme = parts?.[1]?.toLowerCase();
  if (!parts || (scheme !== 'coap' && scheme !== 'coaps')) {
    throw fail('a CoAP URI begins with coap://, as in coap://127.0.0.1/func/math/add');
  }
  const [, , authority = '', path = '', query, fragment] = parts;
  // RFC 7252 §6.4 step 4
  if (fragment !== undefined) {
    throw fail('a CoAP URI has no fragment: write # as %23 where it is part of a value');
  }
  const foreign = /[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%[\]\u{80}-\u{10ffff}]/u.exec(authority + path + (query ?? ''));
  if (foreign) {
    throw fail(`write ${JSON.stringify(foreign[0])} as ${percentEncoded(utf8(foreign[0]))}`);
  }

  const { host, port, named } = parseAuthority(authority, defaultPort[scheme], fail);
  const options: Option[] = [];
  if (named) options.push(stringOption(optionNumber.uriHost, host));
  // RFC 7252 §6.4 step 7
  if (destinationPort !== undefined && destinationPort !== port) {
    options.push(uintOption(optionNumber.uriPort, port));
  }
  // RFC 7252 §6.4 step 8: an empty path and "/" are the same.
  if (path !== '' && path !== '/') {
    for (const segment of withoutDotSegments(path.slice(1).split('/'))) {
      const value = percentDecoded(segment, fail);
      // RFC 7252 §5.10.1
      if (/^\.\.?$/u.test(textOf(value) ?? '')) throw fail('a path segment cannot be "." or ".."');
      options.push({ number: optionNumber.uriPath, value: checkedLength(value, 'path segment', fail) });
    }
  }
  if (query !== undefined) {
    for (const item of query.split('&')) {
      const value = percentDecoded(item, fail);
      options.push({ number: optionNumber.uriQuery, value: checkedLength(value, 'query item', fail) });
    }
  }
  return { scheme, host, port, options };
}

/** Authority without user information: `host`, `host:port`, `[IPv6]`, `[IPv6]:port`. */
function parseAuthority(
  authority: string,
  schemePort: number,
  fail: (reason: string) => UsageError,
): { host: string; port: number; named: boolean } {
  if (authority.includes('@')) throw fail('a CoAP URI has no user name: remove what is before @');
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/u.exec(authority);
  const hostText = parts?.[1] ?? '';
  if (!parts) throw fail('after the host comes a port, as in :5683; an IPv6 address stands in brackets, as in [::1]');
  if (hostText === '') throw fail('the host is missing, as in coap://127.0.0.1/');
  const port = parts[2] ? Number(parts[2]) : schemePort;
  if (port < 1 || port > 0xffff) throw fail('a port is a number from 1 to 65535');

  if (hostText.startsWith('[')) {
    const [address, zone] = splitOnce(hostText.slice(1, -1), '%');
    if (!isIpv6(address)) throw fail(`[${address}] is not an IPv6 address`);
    if (zone === undefined) return { host: address.toLowerCase(), port, named: false };
    // RFC 6874 §2 writes %25eth0; people write %eth0.
    const name = textOf(percentDecoded(zone.startsWith('25') ? zone.slice(2) : zone, fail));
    if (!name || !/^[\w.~-]+$/u.test(name)) {
      throw fail('the zone after % names an interface, as in [fe80::1%25eth0]');
    }
    return { host: `${address.toLowerCase()}%${name}`, port, named: false };
  }
  if (isIpv4(hostText)) return { host: hostText, port, named: false };
  // RFC 7252 §6.4 step 5: lower case first, then percent-decoding.
  const name = textOf(percentDecoded(hostText.toLowerCase(), fail));
  if (name === undefined) throw fail('the host name is not UTF-8');
  checkedLength(utf8(name), 'host name', fail);
  return { host: name, port, named: true };
}

/**
 * Composes the URI of a request (RFC 7252 §6.5) from its destination and its options.
 *
 * @throws UsageError `bad-uri` where Uri-Host is not a host name.
 */
export function composeUri(request: CoapUri): string {
  const { scheme, host, options } = request;
  const named = findOption(options, optionNumber.uriHost);
  const port = findUint(options, optionNumber.uriPort) ?? request.port;
  // RFC 7252 §6.5 step 5
  const portText = port === defaultPort[scheme] ? '' : `:${port}`;
  let resource = '';
  for (const segment of findOptions(options, optionNumber.uriPath)) {
    resource += `/${encodeUriSegment(segment)}`;
  }
  if (resource === '') resource = '/';
  let separator = '?';
  for (const item of findOptions(options, optionNumber.uriQuery)) {
    resource += separator + percentEncoded(item, queryBytes);
    separator = '&';
  }
  return `${scheme}://${named ? hostFromOption(named) : hostFromDestination(host)}${portText}${resource}`;
}

/** RFC 7252 §6.5 step 2: only what is not ASCII is encoded; anything else must be a host as it stands. */
function hostFromOption(value: Uint8Array): string {
  const text = textOf(value);
  if (text !== undefined && text.startsWith('[') && text.endsWith(']') && isIpv6(text.slice(1, -1))) {
    return text;
  }
  const encoded = percentEncoded(value, asciiBytes);
  if (text === undefined || !/^(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/u.test(encoded)) {
    throw new UsageError('bad-uri', `The Uri-Host ${JSON.stringify(text ?? encoded)} is not a host name`);
  }
  return encoded;
}

function hostFromDestination(host: string): string {
  const [address, zone] = splitOnce(host, '%');
  if (isIpv6(address)) return zone === undefined ? `[${address}]` : `[${address}%25${percentEncoded(utf8(zone))}]`;
  return percentEncoded(utf8(host), subDelimBytes);
}

/** One path segment as it stands in a URI (RFC 7252 §6.5 step 6). */
export const encodeUriSegment = (segment: Uint8Array | string): string =>
  percentEncoded(typeof segment === 'string' ? utf8(segment) : segment, segmentBytes);

const unreserved = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~';
const subDelims = "!$&'()*+,;=";
const unreservedBytes: ReadonlySet<number> = new Set(utf8(unreserved));
const subDelimBytes: ReadonlySet<number> = new Set(utf8(unreserved + subDelims));
const segmentBytes: ReadonlySet<number> = new Set(utf8(`${unreserved}${subDelims}:@`));
const queryBytes: ReadonlySet<number> = new Set(utf8(`${unreserved}${subDelims.replace('&', '')}:@/?`));
const asciiBytes: ReadonlySet<number> = new Set(Array.from({ length: 0x80 }, (_, byte) => byte));

/** Upper-case digits, as RFC 7252 §6.5 wants. */
function percentEncoded(bytes: Uint8Array, plain: ReadonlySet<number> = unreservedBytes): string {
  let text = '';
  for (const byte of bytes) {
    text += plain.has(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function percentDecoded(text: string, fail: (reason: string) => UsageError): Uint8Array {
  if (!text.includes('%')) return utf8(text);
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') {
      const codePoint = text.codePointAt(at) ?? 0;
      bytes.push(...utf8(String.fromCodePoint(codePoint)));
      if (codePoint > 0xffff) at += 1;
      continue;
    }
    const digits = text.slice(at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/iu.test(digits)) {
      throw fail('% is followed by two hexadecimal digits: write a % itself as %25');
    }
    bytes.push(Number.parseInt(digits, 16));
    at += 2;
  }
  return Uint8Array.from(bytes);
}

/** RFC 3986 §5.2.4, of a path that begins with a slash. */
function withoutDotSegments(segments: readonly string[]): string[] {
  const kept: string[] = [];
  segments.forEach((segment, index) => {
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  });
  return kept.length === 1 && kept[0] === '' ? [] : kept;
}

/** RFC 7252 §5.10: Uri-Host, Uri-Path and Uri-Query end at 255 bytes. */
function checkedLength(value: Uint8Array, what: string, fail: (reason: string) => UsageError): Uint8Array {
  if (value.length <= 255) return value;
  throw fail(`a ${what} has at most 255 bytes, this one has ${value.length}: send long values in the body`);
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
