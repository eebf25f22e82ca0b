/**
 * The records of a service (RFC 6763 §4-§6, RFC 2782), made and read. Times to live are those of RFC 6762 §10.
 */
import { concatBytes, textOf, utf8 } from '../../core/bytes.ts';
import { decodeDnsMessage, nameBytes, recordType, type Name, type ResourceRecord } from './message.ts';

/** For records with a host's name or address in them. */
const hostTtlSeconds = 120;
const otherTtlSeconds = 75 * 60;

/** RFC 6762 §10.2: what only one may say carries the flush bit. */
export const pointer = (name: Name, to: Name): ResourceRecord => ({
  name,
  type: recordType.PTR,
  flush: false,
  ttlSeconds: otherTtlSeconds,
  data: nameBytes(to),
});

/** RFC 2782, with priority and weight 0 (RFC 6763 §5). */
export const location = (name: Name, port: number, host: Name): ResourceRecord => ({
  name,
  type: recordType.SRV,
  flush: true,
  ttlSeconds: hostTtlSeconds,
  data: concatBytes([Uint8Array.of(0, 0, 0, 0, port >> 8, port & 0xff), nameBytes(host)]),
});

/** RFC 6763 §6: `key=value` strings of at most 255 bytes. */
export const attributes = (name: Name, pairs: readonly string[]): ResourceRecord => ({
  name,
  type: recordType.TXT,
  flush: true,
  ttlSeconds: otherTtlSeconds,
  data: concatBytes(pairs.map(utf8).flatMap((text) => [Uint8Array.of(text.length), text])),
});

/** @param address without a zone */
export const hostAddress = (name: Name, address: string): ResourceRecord => ({
  name,
  type: address.includes(':') ? recordType.AAAA : recordType.A,
  flush: true,
  ttlSeconds: hostTtlSeconds,
  data: address.includes(':') ? ipv6Bytes(address) : Uint8Array.from(address.split('.').map(Number)),
});

/** RFC 6762 §6.1: these types are all that there is under the name. */
export function noOthers(name: Name, types: readonly number[]): ResourceRecord {
  const bitmap = new Uint8Array((Math.max(...types) >> 3) + 1);
  for (const type of types) bitmap[type >> 3] = (bitmap[type >> 3] ?? 0) | (0x80 >> (type & 7));
  const data = concatBytes([nameBytes(name), Uint8Array.of(0, bitmap.length), bitmap]);
  return { name, type: recordType.NSEC, flush: true, ttlSeconds: hostTtlSeconds, data };
}

/** Where a PTR record points to; undefined for damage. */
export const pointed = ({ data }: ResourceRecord): Name | undefined => nameIn(data);

/** What an SRV record says; undefined for damage. */
export function located({ data }: ResourceRecord): { readonly port: number; readonly host: Name } | undefined {
  if (data.length < 7) return undefined;
  const host = nameIn(data.subarray(6));
  return host === undefined ? undefined : { port: ((data[4] ?? 0) << 8) | (data[5] ?? 0), host };
}

/** The address of an A or AAAA record, RFC 5952 not applied; undefined for damage. */
export function addressed({ type, data }: ResourceRecord): string | undefined {
  if (type === recordType.A) return data.length === 4 ? data.join('.') : undefined;
  if (data.length !== 16) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, 16);
  return Array.from({ length: 8 }, (_, at) => view.getUint16(at * 2).toString(16)).join(':');
}

/** `key=value` strings; what is not text is left out. */
export function attributesOf({ data }: ResourceRecord): string[] {
  const found: string[] = [];
  for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0)) {
    const text = textOf(data.subarray(at + 1, at + 1 + (data[at] ?? 0)));
    if (text !== undefined && text !== '') found.push(text);
  }
  return found;
}

/** The decoder has spelled such names out. */
function nameIn(data: Uint8Array): Name | undefined {
  // One question with this name, in a message of its own: its reader is the one that knows names.
  const header = Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  return decodeDnsMessage(concatBytes([header, data, Uint8Array.of(0, recordType.PTR, 0, 1)]))?.questions[0]?.name;
}

function ipv6Bytes(address: string): Uint8Array {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, behind] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - behind.length).fill('0');
  const words = [...before, ...zeros, ...behind].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}
