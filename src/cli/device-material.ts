/**
 * What a device proves itself with: made here, or taken from what the device has made (`--from`), and then its private
 * part never comes here. The credential goes into the store; the rest is for the device and is kept nowhere.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { textOf, utf8, withoutLineEnd } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import { sha256 } from '../devices/credentials.ts';
import { validatePath } from '../dtls/certificate-path.ts';
import { nodeCrypto } from '../dtls/crypto.ts';
import { nextPskIdentity, type Credential, type CredentialKind, type NewCredential } from '../devices/identity.ts';
import { CertificateFiles } from '../store/certificate-files.ts';

/** For the device. A secret is undefined where the device has it already. */
export type DeviceMaterial =
  | { readonly kind: 'psk'; readonly pskIdentity: string; readonly key: string | undefined }
  | {
      readonly kind: 'x509';
      /** In PEM. Alone: the device CA is an anchor of the gateway's, so nobody sends it (RFC 5246 §7.4.2). */
      readonly certificate: string;
      readonly privateKey: string | undefined;
      /** The root that the gateway's certificate leads to; undefined where there is no CA here. */
      readonly root: string | undefined;
    }
  | {
      readonly kind: 'rpk';
      readonly privateKey: string | undefined;
      /** The gateway's public key in PEM; undefined where it has none yet. */
      readonly gatewayKey: string | undefined;
    };

export interface MaterialRequest {
  readonly kind: CredentialKind;
  readonly name: string;
  readonly now: TimeOfDay;
  readonly expires: TimeOfDay | undefined;
  /** Those that the identity has already. */
  readonly credentials: readonly Credential[];
  /** What the device has made: a pre-shared key, a certificate request or certificate, a public key. */
  readonly from: Uint8Array | undefined;
  readonly folder: string;
}

export interface MadeMaterial {
  readonly credential: NewCredential;
  readonly material: DeviceMaterial;
}

/** 128 bits, if they are random; 64 bytes are the longest that everybody has to support (RFC 4279 §5.3). */
const [shortestKey, longestKey] = [16, 64];

/** @throws UsageError 'bad-credential', 'no-ca' */
export async function makeMaterial(request: MaterialRequest): Promise<MadeMaterial> {
  switch (request.kind) {
    case 'psk':
      return makePsk(request);
    case 'x509':
      return await makeX509(request);
    case 'rpk':
      return await makeRpk(request);
  }
}

function makePsk({ name, credentials, from }: MaterialRequest): MadeMaterial {
  const pskIdentity = nextPskIdentity(name, credentials);
  // 128 random bits as text: coap-client and configuration files of devices take keys as text.
  const made = from === undefined ? randomBytes(16).toString('base64url') : undefined;
  const key = made === undefined ? withoutLineEnd(from ?? new Uint8Array(0)) : utf8(made);
  if (key.length < shortestKey || key.length > longestKey) {
    throw new UsageError(
      'bad-credential',
      `A pre-shared key has ${shortestKey} to ${longestKey} bytes, this one ${key.length}; leave --from out to have one made.`,
    );
  }
  return {
    credential: { kind: 'psk', shown: utf8(pskIdentity), key, serial: undefined },
    material: { kind: 'psk', pskIdentity, key: made },
  };
}

async function makeX509({ name, now, expires, from, folder }: MaterialRequest): Promise<MadeMaterial> {
  const { issueDevice, makeKeyPair, pemOf, readCertificate, readRequest } = await import('../devices/certificates.ts');
  const { issuerIn } = await import('./authority.ts');
  const files = new CertificateFiles(folder);
  const text = from === undefined ? undefined : (textOf(from) ?? '');
  const root = files.has('root') ? pemOf('CERTIFICATE', files.certificate('root')) : undefined;
  const shownBy = (certificate: Uint8Array, serial: string | undefined): NewCredential => ({
    kind: 'x509',
    shown: sha256(certificate),
    key: undefined,
    serial,
  });
  if (text?.includes('BEGIN CERTIFICATE-----') === true) {
    // Another authority's, whose list of revocations is not ours to write.
    const { certificate } = readCertificate(text);
    checkForClient(certificate);
    return {
      credential: shownBy(certificate, undefined),
      material: { kind: 'x509', certificate: pemOf('CERTIFICATE', certificate), privateKey: undefined, root },
    };
  }
  const made = text === undefined ? await makeKeyPair() : undefined;
  const publicKey = made?.publicKey ?? (await readRequest(text ?? ''));
  const issuer = issuerIn(files, 'devices');
  const { certificate, serial } = await issueDevice(issuer, publicKey, name, now, expires);
  return {
    credential: shownBy(certificate, serial),
    material: {
      kind: 'x509',
      certificate: pemOf('CERTIFICATE', certificate),
      privateKey: made && String(made.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      root,
    },
  };
}

/** What the gateway would never take is better known now. When it is valid is its authority's to say, and may be later. */
function checkForClient(certificate: Uint8Array): void {
  const parsed = nodeCrypto.parseCertificate(certificate);
  const options = { crypto: nodeCrypto, revocationLists: [], usage: 'client' } as const;
  const result = parsed && validatePath([certificate], { ...options, anchors: [parsed], nowMs: parsed.notBeforeMs });
  if (result?.accepted === true) return;
  const reason = result?.reason ?? 'it is not in DER inside';
  throw new UsageError('bad-credential', `The certificate cannot be taken: ${reason}.`);
}

async function makeRpk({ from, folder }: MaterialRequest): Promise<MadeMaterial> {
  const { makeKeyPair, readPublicKey, spkiOf } = await import('../devices/certificates.ts');
  const made = from === undefined ? await makeKeyPair() : undefined;
  const publicKey = made?.publicKey ?? readPublicKey(textOf(from ?? new Uint8Array(0)) ?? '');
  return {
    credential: { kind: 'rpk', shown: sha256(spkiOf(publicKey)), key: undefined, serial: undefined },
    material: {
      kind: 'rpk',
      // RFC 5915: what libcoap reads as a raw public key with its private one.
      privateKey: made && String(made.privateKey.export({ type: 'sec1', format: 'pem' })),
      gatewayKey: gatewayKeyIn(new CertificateFiles(folder)),
    },
  };
}

/** Of its certificate: who has the one has the other. */
function gatewayKeyIn(files: CertificateFiles): string | undefined {
  if (!files.has('gateway')) return undefined;
  const { publicKey } = new X509Certificate(files.certificate('gateway'));
  return String(publicKey.export({ type: 'spki', format: 'pem' }));
}
