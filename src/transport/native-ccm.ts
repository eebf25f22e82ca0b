/** AES-CCM by the addon, for all that DTLS does (native/aes-ccm.c, whose header says what lies where). */
import { InternalError } from '../core/error.ts';
import { Slab } from '../core/slab.ts';
import type { Aead, Crypto } from '../dtls/primitives.ts';
import type { CcmAddon } from './native/addon.ts';
import { findAddon } from './native/compile.ts';

/** Of AES-128, the only one that there is with CCM here. */
const keyWords = 4;
const nonceAt = 16;
const aadAt = 32;
const textAt = 320;
const maxTextBytes = 18_432;
const maxAadBytes = textAt - aadAt;
const longTag = 16;

const slabBytes = 65_536;

/** Shared by all keys: nothing but plaintexts outlives a call. */
class Desk {
  readonly slab: Slab = new Slab(slabBytes);
  readonly bytes: Uint8Array = new Uint8Array(textAt + maxTextBytes + longTag);
  /** The key's place in it, as numbers. */
  readonly key: Int32Array = new Int32Array(this.bytes.buffer, 0, keyWords);
  readonly addon: CcmAddon;

  constructor(addon: CcmAddon) {
    this.addon = addon;
  }
}

/** The key as four numbers: an array of sixteen bytes takes 200, in places that a record of a session that slept has to fetch. */
class NativeCcm implements Aead {
  readonly tagLength: 8 | 16;
  readonly #desk: Desk;
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;
  readonly #fourth: number;

  constructor(key: Uint8Array, tagLength: 8 | 16, desk: Desk) {
    this.tagLength = tagLength;
    this.#desk = desk;
    const [first = 0, second = 0, third = 0, fourth = 0] = new Int32Array(key.slice().buffer);
    this.#first = first;
    this.#second = second;
    this.#third = third;
    this.#fourth = fourth;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array, at: number): void {
    const { bytes, addon } = this.#desk;
    const { length } = plaintext;
    if (!this.#lay(nonce, aad, plaintext) || !addon.ccmSeal(bytes, aad.length, length, this.tagLength))
      throw new InternalError('dtls-cipher', 'A record could not be encrypted.');
    copy(bytes, textAt, into, at, length + this.tagLength);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const { bytes, addon } = this.#desk;
    const length = sealed.length - this.tagLength;
    if (length < 0 || !this.#lay(nonce, aad, sealed)) return undefined;
    if (!addon.ccmOpen(bytes, aad.length, length, this.tagLength)) return undefined;
    const plaintext = this.#desk.slab.take(length);
    copy(bytes, textAt, plaintext, 0, length);
    return plaintext;
  }

  /** False where there is no room. */
  #lay(nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): boolean {
    const { bytes, key } = this.#desk;
    if (aad.length > maxAadBytes || text.length > maxTextBytes + longTag) return false;
    key[0] = this.#first;
    key[1] = this.#second;
    key[2] = this.#third;
    key[3] = this.#fourth;
    copy(nonce, 0, bytes, nonceAt, nonce.length);
    copy(aad, 0, bytes, aadAt, aad.length);
    copy(text, 0, bytes, textAt, text.length);
    return true;
  }
}

/** For a few bytes a loop is faster than `set`, which wants a view of the part. */
const longCopy = 256;

function copy(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length > longCopy) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] ?? 0;
}

/** The same cryptography, with the addon's CCM where it has one: a fifth of the time, and nothing that is kept for a key. */
export async function withNativeCcm(crypto: Crypto, find: typeof findAddon = findAddon): Promise<Crypto> {
  const { addon } = { addon: undefined, ...(await find()) };
  if (addon?.ccmSeal === undefined || addon.ccmOpen === undefined) return crypto;
  const desk = new Desk({ ccmSeal: addon.ccmSeal, ccmOpen: addon.ccmOpen });
  return { ...crypto, aesCcm: (key, tagLength) => new NativeCcm(key, tagLength, desk) };
}
