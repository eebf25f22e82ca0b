/**
 * What a command proves itself with over coaps, and by what it knows the gateway, from files as `funcoap enroll` writes them:
 *
 *     --identity NAME --key-file FILE                        a pre-shared key, which also proves the gateway
 *     --certificate FILE --key-file FILE --ca FILE           a certificate; the gateway's leads to an authority that is trusted
 *                                        --crl FILE          and is not on the list of what that authority has revoked
 *     --key-file FILE --gateway-key FILE                     a raw public key (RFC 7250); the gateway's is known
 *
 * The last two may be mixed. Left out: keys with a passphrase.
 */
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { emptyBytes, equalBytes, textOf, utf8, withoutLineEnd } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import { validatePath } from '../dtls/certificate-path.ts';
import type { ClientCredentials, OwnCertificate, PresentedCertificate, Verdict } from '../dtls/credentials.ts';
import { nodeCrypto, signingKey } from '../dtls/crypto.ts';
import type { ParsedCertificate } from '../dtls/primitives.ts';
import { parseRevocationList, type RevocationList } from '../dtls/revocation-list.ts';
import type { ReadSource } from './call-arguments.ts';

/** As they stand on the command line. */
export interface CredentialFlags {
  /** Its PSK identity at a gateway. */
  readonly identity?: string;
  readonly keyFile?: string;
  readonly certificate?: string;
  readonly ca?: string;
  readonly crl?: string;
  readonly gatewayKey?: string;
}

const names = {
  identity: '--identity',
  certificate: '--certificate',
  keyFile: '--key-file',
  ca: '--ca',
  crl: '--crl',
  gatewayKey: '--gateway-key',
} as const;
type Name = keyof typeof names;

/** The first of these flags that is given: it means coaps. */
export function credentialFlag(
  flags: CredentialFlags,
  among: readonly Name[] = ['identity', 'certificate', 'keyFile', 'ca', 'crl', 'gatewayKey'],
): string | undefined {
  const given = among.find((name) => flags[name] !== undefined);
  return given && names[given];
}

/**
 * @param host of the gateway, which its certificate must name
 * @throws UsageError 'bad-flag', 'bad-argument', 'bad-credential'
 */
export async function ownCredentials(
  flags: CredentialFlags,
  host: string,
  read: ReadSource,
): Promise<ClientCredentials | undefined> {
  const flag = credentialFlag(flags);
  if (flag === undefined) return undefined;
  const { identity, keyFile, certificate, ca, crl, gatewayKey } = flags;
  const other = credentialFlag(flags, ['certificate', 'ca', 'crl', 'gatewayKey']);
  if (identity !== undefined && other !== undefined) {
    throw new UsageError(
      'bad-flag',
      `--identity is of a pre-shared key, and ${other} of certificates and raw public keys; give one of them.`,
    );
  }
  if (keyFile === undefined) {
    const what =
      identity === undefined ? 'the file with the private key is missing' : 'the file with its key is missing';
    throw new UsageError('bad-flag', `${flag} and --key-file belong together: ${what}.`);
  }
  if (identity !== undefined) return { preSharedKey: preSharedKey(identity, await read(keyFile), keyFile) };
  if (ca === undefined && gatewayKey === undefined) {
    throw new UsageError(
      'bad-flag',
      '--key-file without --identity is a private key, and then the gateway has to be known: --ca names the file of the authority of its certificate, --gateway-key that of its raw public key.',
    );
  }
  if (crl !== undefined && ca === undefined) {
    throw new UsageError(
      'bad-flag',
      '--crl is what an authority has revoked, and the file of the authority is missing: --ca.',
    );
  }
  const key = privateKey(await read(keyFile), keyFile);
  const chain = certificate === undefined ? undefined : certificates(await read(certificate), certificate);
  const anchors = ca === undefined ? undefined : certificates(await read(ca), ca).map(parsed);
  const revoked = crl === undefined ? [] : revocationLists(await read(crl), crl, anchors ?? []);
  const pinned = gatewayKey === undefined ? undefined : publicKey(await read(gatewayKey), gatewayKey);
  return {
    certificate: chain === undefined ? rawKey(key) : shownCertificate(chain, key, certificate ?? '', keyFile),
    serverCertificates: {
      types: [...(pinned === undefined ? [] : (['raw_public_key'] as const)), ...(anchors ? (['x509'] as const) : [])],
      verify: (presented) => verdict(presented, { anchors: anchors ?? [], revocationLists: revoked, pinned, host }),
    },
    ...(isIP(host) === 0 && { serverName: host }),
  };
}

/** By what the gateway is known. */
interface Known {
  readonly anchors: readonly ParsedCertificate[];
  readonly revocationLists: readonly RevocationList[];
  readonly pinned: Uint8Array | undefined;
  readonly host: string;
}

function verdict({ type, payload }: PresentedCertificate, { anchors, revocationLists, pinned, host }: Known): Verdict {
  if (type === 'raw_public_key') {
    return pinned !== undefined && equalBytes(payload[0] ?? emptyBytes, pinned)
      ? { accepted: true, name: '' }
      : { accepted: false, alert: 'certificate_unknown', reason: 'its raw public key is not the one of --gateway-key' };
  }
  const options = {
    crypto: nodeCrypto,
    anchors,
    revocationLists,
    usage: 'server',
    nowMs: Date.now(),
    host,
  } as const;
  const result = validatePath(payload, options);
  return result.accepted ? { accepted: true, name: '' } : result;
}

/** The bytes of the file; of what `enroll` writes, a line `,IDENTITY,KEY` as libcoap reads it, the key. */
function preSharedKey(identity: string, bytes: Uint8Array, file: string): { identity: Uint8Array; key: Uint8Array } {
  const plain = withoutLineEnd(bytes);
  const head = utf8(`,${identity},`);
  const key = equalBytes(plain.subarray(0, head.length), head) ? plain.subarray(head.length) : plain;
  if (key.length === 0) throw new UsageError('bad-flag', `--key-file ${file} holds no key.`);
  return { identity: utf8(identity), key };
}

function privateKey(bytes: Uint8Array, file: string): KeyObject {
  const key = attempt(() => createPrivateKey(textOf(bytes) ?? ''));
  if (isP256(key)) return key;
  throw new UsageError(
    'bad-credential',
    `--key-file ${file} holds no private key of the curve P-256 in PEM, without a passphrase; a pre-shared key goes with --identity.`,
  );
}

function publicKey(bytes: Uint8Array, file: string): Uint8Array {
  const key = attempt(() => createPublicKey(textOf(bytes) ?? ''));
  if (isP256(key)) return spkiOf(key);
  throw new UsageError('bad-credential', `--gateway-key ${file} holds no public key of the curve P-256 in PEM.`);
}

/** In DER, as they stand in the file: a leaf first. */
function certificates(bytes: Uint8Array, file: string): readonly X509Certificate[] {
  const blocks = (textOf(bytes) ?? '').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const found = blocks.flatMap((block) => attempt(() => new X509Certificate(block)) ?? []);
  if (found.length > 0 && found.length === blocks.length) return found;
  throw new UsageError('bad-credential', `${file} holds no certificates in PEM, or one that cannot be read.`);
}

/** Each must be of an authority that is known: one that nobody has signed would silently count for nothing. */
function revocationLists(bytes: Uint8Array, file: string, anchors: readonly ParsedCertificate[]): RevocationList[] {
  const blocks = (textOf(bytes) ?? '').match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? [];
  const lists = blocks.flatMap(
    (block) =>
      parseRevocationList(new Uint8Array(Buffer.from(block.replaceAll(/-----[^-]+-----/g, ''), 'base64'))) ?? [],
  );
  if (lists.length === 0 || lists.length < blocks.length) {
    throw new UsageError(
      'bad-credential',
      `--crl ${file} holds no revocation list in PEM, signed by ECDSA with SHA-256, or one that cannot be read.`,
    );
  }
  if (lists.every((list) => anchors.some((anchor) => list.signedBy(anchor)))) return lists;
  throw new UsageError('bad-credential', `--crl ${file} is not signed by an authority of --ca.`);
}

function parsed({ raw, subject }: X509Certificate): ParsedCertificate {
  const certificate = nodeCrypto.parseCertificate(new Uint8Array(raw));
  if (certificate !== undefined) return certificate;
  throw new UsageError('bad-credential', `The certificate of ${subject} cannot be read.`);
}

function shownCertificate(
  chain: readonly X509Certificate[],
  key: KeyObject,
  file: string,
  keyFile: string,
): OwnCertificate {
  if (chain[0]?.checkPrivateKey(key) !== true) {
    throw new UsageError('bad-credential', `The key in ${keyFile} is not that of the certificate in ${file}.`);
  }
  return { type: 'x509', payload: chain.map(({ raw }) => new Uint8Array(raw)), signingKey: signs(key) };
}

const rawKey = (key: KeyObject): OwnCertificate => ({
  type: 'raw_public_key',
  payload: [spkiOf(createPublicKey(key))],
  signingKey: signs(key),
});

const signs = (key: KeyObject): OwnCertificate['signingKey'] =>
  signingKey(String(key.export({ type: 'pkcs8', format: 'pem' })));

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: 'spki', format: 'der' }));

const isP256 = (key: KeyObject | undefined): key is KeyObject =>
  key?.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
