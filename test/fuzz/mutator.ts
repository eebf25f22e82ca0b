/** Spoils a datagram byte by byte, without knowing what the bytes mean. */
import { concatBytes } from '../../src/core/bytes.ts';
import type { Chance } from './chance.ts';

/** Signs, borders of CoAP's nibbles, the payload marker, heads of CBOR items that announce much. */
const telling = [
  0x00, 0x01, 0x0d, 0x0e, 0x0f, 0x7f, 0x80, 0xd0, 0xdd, 0xe0, 0xee, 0xf0, 0xff, 0x5b, 0x9b, 0xbb, 0x9f, 0xbf,
] as const;

const longest = 1400;

type Mutation = (bytes: Uint8Array, chance: Chance, other: Uint8Array) => Uint8Array;

const replaced = (bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array =>
  concatBytes([bytes.subarray(0, from), by, bytes.subarray(to)]);

const setByte = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed[at] = value;
  return changed;
};

const mutations: readonly [Mutation, ...Mutation[]] = [
  function flipBit(bytes, chance) {
    const at = chance.below(bytes.length);
    return setByte(bytes, at, (bytes[at] ?? 0) ^ (1 << chance.below(8)));
  },
  function tell(bytes, chance) {
    return setByte(bytes, chance.below(bytes.length), chance.pick(telling));
  },
  function count(bytes, chance) {
    const at = chance.below(bytes.length);
    return setByte(bytes, at, (bytes[at] ?? 0) + (chance.oneIn(2) ? 1 : -1));
  },
  function cutOff(bytes, chance) {
    return bytes.slice(0, chance.below(bytes.length + 1));
  },
  function cutOut(bytes, chance) {
    const from = chance.below(bytes.length);
    return replaced(bytes, from, Math.min(bytes.length, from + 1 + chance.below(8)), new Uint8Array(0));
  },
  function putIn(bytes, chance) {
    const at = chance.below(bytes.length + 1);
    return replaced(bytes, at, at, chance.bytes(1 + chance.below(8)));
  },
  function repeat(bytes, chance) {
    const from = chance.below(bytes.length);
    const part = bytes.slice(from, from + 1 + chance.below(16));
    return replaced(bytes, from, from, concatBytes(new Array<Uint8Array>(1 + chance.below(4)).fill(part)));
  },
  function splice(bytes, chance, other) {
    return concatBytes([bytes.subarray(0, chance.below(bytes.length)), other.subarray(chance.below(other.length + 1))]);
  },
  function swell(bytes, chance) {
    return concatBytes([bytes, chance.bytes(chance.below(600))]);
  },
];

/** One to four mutations, one after the other; `other` is what may be spliced in. */
export function mutate(bytes: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let left = 1 + chance.below(4); left > 0; left--) {
    mutated = mutated.length === 0 ? chance.bytes(chance.below(8)) : chance.pick(mutations)(mutated, chance, other);
  }
  return mutated.slice(0, longest);
}
