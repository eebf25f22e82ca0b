/**
 * Certificates of devices and of the gateway (RFC 5280, profile of RFC 7925 §4.4): P-256, ECDSA with SHA-256.
 *
 *     root ─┬─ device CA ── devices (clientAuth)
 *           └─ gateway (serverAuth)
 *
 * Devices trust the root; the gateway takes what is enrolled, and has the device CA as its anchor. The root's
 * key is needed for nothing else and can be taken away. Left out: renewal of the root and the device CA, and EUI-64 as
 * names of devices (§4.4.2): they are named as they are enrolled.
 */
import 'reflect-metadata';
import { randomBytes, webcrypto, createPublicKey, KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';
import { UsageError } from '../core/error.ts';
import { later, timeOfDay, type TimeOfDay } from '../core/time-of-day.ts';
import { milliseconds } from '../core/duration.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A certificate and the key it is for. */
export interface Issuer {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface Issued {
  /** DER. */
  readonly certificate: Uint8Array;
  /** Hexadecimal. */
  readonly serial: string;
}

/** A certificate that is revoked. */
export interface Revoked {
  readonly serial: string;
  readonly since: TimeOfDay;
}

const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Twenty years: devices are not visited to change a root. */
const authorityLife = milliseconds(20 * 365 * 86_400_000);

/** Clocks of devices are off: what is issued now is valid a little before. */
const clockSlack = milliseconds(-3_600_000);

export async function makeKeyPair(): Promise<KeyPair> {
  const pair = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  return { privateKey: KeyObject.from(pair.privateKey), publicKey: KeyObject.from(pair.publicKey) };
}

/** The SubjectPublicKeyInfo in DER. */
export const spkiOf = (publicKey: KeyObject): Uint8Array =>
  new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));

export async function issueRoot(keys: KeyPair, now: TimeOfDay): Promise<Issued> {
  return await issue({
    subject: 'CN=funcoap root',
    issuer: undefined,
    keys,
    now,
    until: later(now, authorityLife),
    extensions: authorityExtensions(1),
  });
}

/** The device CA: issues no further authority. */
export async function issueDeviceAuthority(root: Issuer, publicKey: KeyObject, now: TimeOfDay): Promise<Issued> {
  return await issue({
    subject: 'CN=funcoap devices',
    issuer: root,
    keys: { publicKey },
    now,
    until: notAfter(root),
    extensions: authorityExtensions(0),
  });
}

/** @param hosts names and addresses that devices reach the gateway by */
export async function issueGateway(
  root: Issuer,
  publicKey: KeyObject,
  hosts: readonly string[],
  now: TimeOfDay,
): Promise<Issued> {
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  return await issue({
    // RFC 7925 §4.4.1: names of hosts stand in subjectAltName and never in CN.
    subject: 'CN=funcoap gateway',
    issuer: root,
    keys: { publicKey },
    now,
    until: notAfter(root),
    extensions: [...leafExtensions(ExtendedKeyUsage.serverAuth), new SubjectAlternativeNameExtension(names)],
  });
}

/** @param expires undefined: as long as the device CA */
export async function issueDevice(
  authority: Issuer,
  publicKey: KeyObject,
  name: string,
  now: TimeOfDay,
  expires: TimeOfDay | undefined,
): Promise<Issued> {
  return await issue({
    subject: `CN=${name}`,
    issuer: authority,
    keys: { publicKey },
    now,
    until: timeOfDay(Math.min(expires ?? Infinity, notAfter(authority))),
    extensions: leafExtensions(ExtendedKeyUsage.clientAuth),
  });
}

/** The list of what the device CA has revoked (RFC 5280 §5). */
export async function issueRevocationList(
  authority: Issuer,
  revoked: readonly Revoked[],
  now: TimeOfDay,
): Promise<Uint8Array> {
  const { subject, raw } = certificateOf(authority);
  const list = await X509CrlGenerator.create({
    issuer: subject,
    thisUpdate: new Date(now),
    // Written anew when something is revoked, not by the calendar.
    nextUpdate: new Date(notAfter(authority)),
    entries: revoked.map(({ serial, since }) => ({
      serialNumber: serial,
      revocationDate: new Date(since),
      reason: X509CrlReason.unspecified,
    })),
    signingAlgorithm,
    signingKey: await signingKey(authority.privateKey),
    extensions: [
      await AuthorityKeyIdentifierExtension.create(new X509Certificate(raw)),
      // RFC 5280 §5.2.3: a number that grows; the time does.
      new Extension('2.5.29.20', false, derInteger(now)),
    ],
  });
  return new Uint8Array(list.rawData);
}

/**
 * The public key of a certificate request (PKCS #10), whose signature proves that whoever made it has the private key.
 * @throws UsageError 'bad-credential'
 */
export async function readRequest(text: string): Promise<KeyObject> {
  try {
    const request = new Pkcs10CertificateRequest(text);
    if (!(await request.verify())) throw new UsageError('bad-credential', 'its signature is not right');
    return p256(createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' }));
  } catch (cause) {
    throw unreadable('certificate request (PKCS #10)', cause);
  }
}

/** @throws UsageError 'bad-credential' where it is no public key on P-256, in PEM */
export function readPublicKey(text: string): KeyObject {
  try {
    if (text.includes('PRIVATE KEY'))
      throw new UsageError('bad-credential', 'it is a private key, which stays with the device');
    return p256(createPublicKey(text));
  } catch (cause) {
    throw unreadable('public key', cause);
  }
}

/** @throws UsageError 'bad-credential' */
export function readCertificate(text: string): Issued {
  try {
    const certificate = new X509Certificate(text);
    p256(createPublicKey({ key: Buffer.from(certificate.publicKey.rawData), format: 'der', type: 'spki' }));
    return { certificate: new Uint8Array(certificate.rawData), serial: certificate.serialNumber };
  } catch (cause) {
    throw unreadable('certificate', cause);
  }
}

export const pemOf = (label: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

interface Order {
  readonly subject: string;
  /** Undefined: by itself. */
  readonly issuer: Issuer | undefined;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey?: KeyObject };
  readonly now: TimeOfDay;
  readonly until: TimeOfDay;
  readonly extensions: readonly Extension[];
}

async function issue({ subject, issuer, keys, now, until, extensions }: Order): Promise<Issued> {
  const parent = issuer && certificateOf(issuer);
  const publicKey = await verifyingKey(keys.publicKey);
  const privateKey = issuer?.privateKey ?? keys.privateKey;
  if (privateKey === undefined)
    throw new UsageError('bad-credential', 'A certificate that signs itself needs its key.');
  // RFC 5280 §4.1.2.2: positive, at most 20 bytes.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString('hex'),
    subject,
    issuer: parent?.subject ?? subject,
    notBefore: new Date(later(now, clockSlack)),
    notAfter: new Date(until),
    signingAlgorithm,
    publicKey,
    signingKey: await signingKey(privateKey),
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(parent === undefined ? publicKey : new X509Certificate(parent.raw)),
    ],
  });
  return { certificate: new Uint8Array(certificate.rawData), serial: certificate.serialNumber };
}

const authorityExtensions = (furtherAuthorities: number): Extension[] => [
  new BasicConstraintsExtension(true, furtherAuthorities, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];

const leafExtensions = (usage: ExtendedKeyUsage): Extension[] => [
  new BasicConstraintsExtension(false, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  new ExtendedKeyUsageExtension([usage]),
];

function certificateOf({ certificate }: Issuer): { readonly subject: string; readonly raw: Uint8Array<ArrayBuffer> } {
  const raw = Uint8Array.from(certificate);
  return { subject: new X509Certificate(raw).subject, raw };
}

const notAfter = ({ certificate }: Issuer): TimeOfDay =>
  timeOfDay(new X509Certificate(Uint8Array.from(certificate)).notAfter.getTime());

const signingKey = async (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  await webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), signingAlgorithm, false, [
    'sign',
  ]);

const verifyingKey = async (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  await webcrypto.subtle.importKey('spki', key.export({ type: 'spki', format: 'der' }), signingAlgorithm, true, [
    'verify',
  ]);

/** RFC 7925 §4.4: the curve that every constrained client has. */
function p256(key: KeyObject): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new UsageError('bad-credential', 'its key is not on the curve P-256');
}

function unreadable(what: string, cause: unknown): UsageError {
  const reason = cause instanceof UsageError ? cause.message : `it is not a ${what} in PEM`;
  return new UsageError('bad-credential', `The ${what} cannot be taken: ${reason}.`, { cause });
}

/** X.690 §8.3, for positive numbers. */
function derInteger(n: number): Uint8Array<ArrayBuffer> {
  const digits = BigInt(Math.floor(n)).toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const bytes = Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex');
  return Uint8Array.from([2, bytes.length, ...bytes]);
}
