/**
 * The key schedule of TLS 1.2 with SHA-256: PRF (RFC 5246 §5), premaster secrets (RFC 4279 §2, RFC 5489 §2), master secret
 * (RFC 5246 §8.1) and extended master secret (RFC 7627 §4), key block (§6.3), verify_data (§7.4.9).
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { AeadProtection } from './aead-protection.ts';
import { CbcProtection } from './cbc-protection.ts';
import { fixedIvBytes, keyBytes, macKeyBytes, type Cipher } from './cipher-suites.ts';
import { vector } from './presentation.ts';
import type { Crypto } from './primitives.ts';
import type { RecordProtection, WriteKeys } from './record-protection.ts';

const masterSecretLength = 48;
const verifyDataLength = 12;

/** PRF(secret, label, seed) = P_SHA256(secret, label + seed), its first `length` bytes. */
export function prf(crypto: Crypto, secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const labelled = concatBytes([utf8(label), seed]);
  const output = new Uint8Array(length);
  const mac = crypto.hmacSha256(secret);
  let a = labelled;
  for (let at = 0; at < length;) {
    a = mac(a);
    const chunk = mac(concatBytes([a, labelled])).subarray(0, length - at);
    output.set(chunk, at);
    at += chunk.length;
  }
  return output;
}

/**
 * RFC 4279 §2: | length 2 | other secret | length 2 | psk |. The other secret is the Diffie-Hellman result with ECDHE_PSK
 * (RFC 5489 §2) and as many zeros as the key is long with plain PSK.
 */
export const pskPremasterSecret = (psk: Uint8Array, shared?: Uint8Array): Uint8Array =>
  concatBytes([vector(2, shared ?? new Uint8Array(psk.length)), vector(2, psk)]);

/** What binds a master secret to its handshake. */
export type MasterSecretBinding =
  | { readonly extended: true; readonly sessionHash: Uint8Array }
  | { readonly extended: false; readonly clientRandom: Uint8Array; readonly serverRandom: Uint8Array };

export function masterSecret(crypto: Crypto, premaster: Uint8Array, binding: MasterSecretBinding): Uint8Array {
  return binding.extended
    ? prf(crypto, premaster, 'extended master secret', binding.sessionHash, masterSecretLength)
    : prf(
        crypto,
        premaster,
        'master secret',
        concatBytes([binding.clientRandom, binding.serverRandom]),
        masterSecretLength,
      );
}

export interface KeyBlock {
  readonly client: WriteKeys;
  readonly server: WriteKeys;
}

export function keyBlock(
  crypto: Crypto,
  cipher: Cipher,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): KeyBlock {
  const mac = macKeyBytes(cipher);
  const iv = fixedIvBytes(cipher);
  // RFC 5246 §6.3: here the server's random comes first.
  const seed = concatBytes([serverRandom, clientRandom]);
  const block = prf(crypto, master, 'key expansion', seed, 2 * (mac + keyBytes + iv));
  let at = 0;
  const next = (length: number): Uint8Array => block.slice(at, (at += length));
  const macKeys = [next(mac), next(mac)] as const;
  const keys = [next(keyBytes), next(keyBytes)] as const;
  const ivs = [next(iv), next(iv)] as const;
  return {
    client: { macKey: macKeys[0], key: keys[0], iv: ivs[0] },
    server: { macKey: macKeys[1], key: keys[1], iv: ivs[1] },
  };
}

/** The protection of records that a cipher and the keys of one direction make. */
export function recordProtection(crypto: Crypto, cipher: Cipher, keys: WriteKeys): RecordProtection {
  switch (cipher.kind) {
    case 'ccm':
      return new AeadProtection(crypto.aesCcm(keys.key, cipher.tagLength), keys.iv);
    case 'gcm':
      return new AeadProtection(crypto.aesGcm(keys.key), keys.iv);
    case 'cbc':
      return new CbcProtection(crypto, keys);
  }
}

export type Side = 'client' | 'server';

/** What a Finished message carries. */
export const verifyData = (crypto: Crypto, master: Uint8Array, side: Side, transcriptHash: Uint8Array): Uint8Array =>
  prf(crypto, master, `${side} finished`, transcriptHash, verifyDataLength);

/** The random of a hello: 4 bytes were once the time, all are random here (RFC 5246 §7.4.1.2 allows it). */
export const helloRandom = (crypto: Crypto): Uint8Array => crypto.randomBytes(32);
