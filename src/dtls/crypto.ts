/** The cryptography of node:crypto, the only file of dtls/ that knows it. */
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { Ccm, CcmScratch, type BlockCipher } from './ccm.ts';
import type {
  Aead,
  Crypto,
  KeyShare,
  Mac,
  NamedGroup,
  ParsedCertificate,
  SigningKey,
  VerifyingKey,
} from './primitives.ts';

const gcmTagLength = 16;
const zeroIv = new Uint8Array(16);
const scratch = new CcmScratch();

/** The bytes of a Buffer, without its own ways (its `slice` does not copy). */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

interface Contexts {
  readonly ecb: ReturnType<typeof createCipheriv>;
  readonly cbc: ReturnType<typeof createCipheriv>;
}

/** AES-128 with contexts that are made when they are first used: they take 3 kB, and many associations sleep for long. */
class Aes implements BlockCipher {
  #state: Uint8Array | Contexts;

  constructor(key: Uint8Array) {
    this.#state = key;
  }

  ecb(blocks: Uint8Array): Uint8Array {
    return this.#awake().ecb.update(blocks);
  }

  cbc(blocks: Uint8Array): Uint8Array {
    return this.#awake().cbc.update(blocks);
  }

  #awake(): Contexts {
    if (this.#state instanceof Uint8Array) {
      this.#state = {
        ecb: createCipheriv('aes-128-ecb', this.#state, null).setAutoPadding(false),
        cbc: createCipheriv('aes-128-cbc', this.#state, zeroIv).setAutoPadding(false),
      };
    }
    return this.#state;
  }
}

class Gcm implements Aead {
  readonly tagLength = gcmTagLength;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, into: Uint8Array, at: number): void {
    const cipher = createCipheriv('aes-128-gcm', this.#key, nonce).setAAD(aad);
    into.set(cipher.update(plaintext), at);
    cipher.final();
    into.set(cipher.getAuthTag(), at + plaintext.length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - gcmTagLength;
    if (length < 0) return undefined;
    const decipher = createDecipheriv('aes-128-gcm', this.#key, nonce, { authTagLength: gcmTagLength })
      .setAAD(aad)
      .setAuthTag(sealed.subarray(length));
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain(plaintext);
  }
}

/** RFC 7748 keys travel bare; node:crypto takes them in a SubjectPublicKeyInfo with this prefix. */
const x25519SpkiPrefix = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00);

function x25519Share(): KeyShare {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(x25519SpkiPrefix.length)),
    agree(peer) {
      if (peer.length !== 32) return undefined;
      try {
        const key = createPublicKey({ key: Buffer.concat([x25519SpkiPrefix, peer]), type: 'spki', format: 'der' });
        // It throws on an all-zero result (RFC 7748 §6.1).
        return plain(diffieHellman({ privateKey, publicKey: key }));
      } catch {
        return undefined;
      }
    },
  };
}

function p256Share(): KeyShare {
  const ecdh = createECDH('prime256v1');
  return {
    publicKey: new Uint8Array(ecdh.generateKeys()),
    agree(peer) {
      // RFC 8422 §5.4: uncompressed points only. computeSecret checks that it lies on the curve.
      if (peer.length !== 65 || peer[0] !== 4) return undefined;
      try {
        return plain(ecdh.computeSecret(peer));
      } catch {
        return undefined;
      }
    },
  };
}

class PublicKey implements VerifyingKey {
  readonly key: KeyObject;

  constructor(key: KeyObject) {
    this.key = key;
  }

  get spki(): Uint8Array {
    return new Uint8Array(this.key.export({ type: 'spki', format: 'der' }));
  }

  get isP256(): boolean {
    return this.key.asymmetricKeyType === 'ec' && this.key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  }

  verify(data: Uint8Array, signature: Uint8Array): boolean {
    // With keys that know no SHA-256 (Ed25519, X25519) it throws.
    return attempt(() => verify('sha256', data, this.key, signature)) ?? false;
  }
}

class Certificate implements ParsedCertificate {
  readonly #x509: X509Certificate;
  readonly #key: PublicKey;

  constructor(x509: X509Certificate) {
    this.#x509 = x509;
    this.#key = new PublicKey(x509.publicKey);
  }

  get der(): Uint8Array {
    return new Uint8Array(this.#x509.raw);
  }
  get subject(): string {
    return this.#x509.subject;
  }
  get issuer(): string {
    return this.#x509.issuer;
  }
  get commonName(): string | undefined {
    return /^CN=(.*)$/m.exec(this.#x509.subject)?.[1];
  }
  get notBeforeMs(): number {
    return Date.parse(this.#x509.validFrom);
  }
  get notAfterMs(): number {
    return Date.parse(this.#x509.validTo);
  }
  get isCa(): boolean {
    return this.#x509.ca;
  }
  get publicKey(): VerifyingKey {
    return this.#key;
  }

  issuedBy(issuer: ParsedCertificate): boolean {
    return issuer instanceof Certificate && this.#x509.checkIssued(issuer.#x509) && this.#x509.verify(issuer.#key.key);
  }

  isFor(host: string): boolean {
    const isAddress = /^[\d.]+$|:/.test(host);
    const named = isAddress ? this.#x509.checkIP(host) : this.#x509.checkHost(host, { subject: 'never' });
    return named !== undefined;
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** By way of text, which takes Node half as long as a buffer. */
const sha256 = (data: Uint8Array): Uint8Array => plain(Buffer.from(hash('sha256', data, 'binary'), 'latin1'));

const [hashBlockLength, hashLength] = [64, 32];

/** HMAC (RFC 2104 §2) of two hashes, each in one call: it takes half as long as Node's own. */
function hmacSha256(key: Uint8Array): Mac {
  const short = key.length > hashBlockLength ? sha256(key) : key;
  const [inner, outer] = [
    new Uint8Array(hashBlockLength).fill(0x36),
    new Uint8Array(hashBlockLength + hashLength).fill(0x5c),
  ];
  for (const [i, byte] of short.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  return (data) => {
    outer.set(sha256(concatBytes([inner, data])), hashBlockLength);
    return sha256(outer);
  };
}

export const nodeCrypto: Crypto = {
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  sha256,
  hmacSha256,
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  aesCcm(key, tagLength) {
    return new Ccm(tagLength, new Aes(key), scratch);
  },
  aesGcm: (key) => new Gcm(createSecretKey(key)),
  aesCbcEncrypt: (key, iv, blocks) =>
    plain(createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false).update(blocks)),
  aesCbcDecrypt: (key, iv, blocks) =>
    plain(createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false).update(blocks)),
  keyShare: (group: NamedGroup) => (group === 'x25519' ? x25519Share() : p256Share()),
  verifyingKey: (spki) =>
    attempt(() => new PublicKey(createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' }))),
  parseCertificate(der) {
    const certificate = attempt(() => new Certificate(new X509Certificate(der)));
    // It takes PEM too, and whatever follows.
    return certificate !== undefined && equalBytes(certificate.der, der) ? certificate : undefined;
  },
};

/** A P-256 private key in PEM or PKCS #8 DER. Throws where it is none. */
export function signingKey(pemOrDer: string | Uint8Array): SigningKey {
  const key =
    typeof pemOrDer === 'string'
      ? createPrivateKey(pemOrDer)
      : createPrivateKey({ key: Buffer.from(pemOrDer), type: 'pkcs8', format: 'der' });
  return { sign: (data) => plain(sign('sha256', data, key)) };
}
