/** IP addresses as four 32-bit words in the order of the network; an IPv4 address is the last of them. */
import { familyOf, normaliseAddress, type Family } from './address.ts';

/** Of an address as `normaliseAddress` spells it; its zone is not part of the words. */
export function addressWords(address: string): Int32Array {
  const words = new Int32Array(4);
  const [bare = ''] = address.split('%');
  if (familyOf(bare) === 'IPv4') {
    words[3] = ipv4Word(bare);
    return words;
  }
  const [head = '', tail] = bare.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const groups = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  for (let i = 0; i < 4; i++) words[i] = ((groups[2 * i] ?? 0) << 16) | (groups[2 * i + 1] ?? 0);
  return words;
}

/** Of the four words from `at`, without a zone. */
export function addressText(words: Int32Array, at: number, family: Family): string {
  const last = words[at + 3] ?? 0;
  if (family === 'IPv4') return `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
  const groups: string[] = [];
  for (let i = at; i < at + 4; i++) {
    const word = words[i] ?? 0;
    groups.push((word >>> 16).toString(16), (word & 0xffff).toString(16));
  }
  return normaliseAddress(groups.join(':'));
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2), which does not belong on the wire. */
export const isMappedWords = (words: Int32Array, at: number): boolean =>
  words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0xffff;

/** 224.0.0.0/4 or ff00::/8 */
export const isMulticastWords = (words: Int32Array, at: number, family: Family): boolean =>
  family === 'IPv4' ? (words[at + 3] ?? 0) >>> 28 === 0xe : (words[at] ?? 0) >>> 24 === 0xff;

/** fe80::/10 */
export const isLinkLocalWords = (words: Int32Array, at: number): boolean => (words[at] ?? 0) >>> 22 === 0xfe80 >>> 6;

const ipv4Word = (text: string): number =>
  text.split('.').reduce((word, part) => (word << 8) | Number.parseInt(part, 10), 0);

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const word = ipv4Word(group);
    return [word >>> 16, word & 0xffff];
  });
}
