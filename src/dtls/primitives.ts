/**
 * What DTLS asks of cryptography: pure functions and keyed objects, behind an interface so that node:crypto (crypto.ts) can
 * be replaced. Every hash is SHA-256 and every block cipher AES-128: the suites here know no others.
 */

/** Authenticated encryption under one key. Its overhead is the tag. */
export interface Aead {
  readonly tagLength: number;
  /** Writes ciphertext and tag to `into` from `at` on. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array, at: number): void;
  /** The plaintext, or undefined where it is not authentic. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** A message authentication code under one key: made once, because a key object costs more than a hash. */
export type Mac = (data: Uint8Array) => Uint8Array;

export type NamedGroup = 'x25519' | 'secp256r1';

/** One side of an ephemeral Diffie-Hellman exchange. */
export interface KeyShare {
  /** As it stands on the wire: 32 bytes, or an uncompressed point. */
  readonly publicKey: Uint8Array;
  /** The shared secret; undefined where the peer's value is no valid public key (RFC 8422 §5.11). */
  agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
}

/** A private key for ecdsa_secp256r1_sha256; signatures are DER (RFC 8422 §5.4). */
export interface SigningKey {
  sign(data: Uint8Array): Uint8Array;
}

/** A public key, as SubjectPublicKeyInfo. */
export interface VerifyingKey {
  readonly spki: Uint8Array;
  /** P-256: the only kind that ecdsa_secp256r1_sha256 takes. */
  readonly isP256: boolean;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** What path validation asks of a certificate (RFC 5280 §6). */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  /** Subject's common name, where it has one. */
  readonly commonName: string | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isCa: boolean;
  readonly publicKey: VerifyingKey;
  /** Names match and the signature verifies. */
  issuedBy(issuer: ParsedCertificate): boolean;
  /** By an IP address or DNS name among the subject's alternative names. */
  isFor(host: string): boolean;
}

export interface Crypto {
  randomBytes(length: number): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array): Mac;
  equal(a: Uint8Array, b: Uint8Array): boolean;
  aesCcm(key: Uint8Array, tagLength: 8 | 16): Aead;
  aesGcm(key: Uint8Array): Aead;
  /** CBC without padding, whole blocks. */
  aesCbcEncrypt(key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array;
  aesCbcDecrypt(key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array;
  keyShare(group: NamedGroup): KeyShare;
  /** Undefined where the bytes are no key or certificate. */
  verifyingKey(spki: Uint8Array): VerifyingKey | undefined;
  /** Of these very bytes: whatever comes before or after them, or stands in another form, is none. */
  parseCertificate(der: Uint8Array): ParsedCertificate | undefined;
}
