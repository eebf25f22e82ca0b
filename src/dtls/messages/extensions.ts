/**
 * Extensions of hello messages (RFC 5246 §7.4.1.4): the list, and the few whose content is more than a list of numbers.
 *
 *     | extensions length 2 |  { type 2 | length 2 | data }  ...
 */
import { concatBytes, emptyBytes } from '../../core/bytes.ts';
import { FatalAlert } from '../alert.ts';
import { Reader, uint, uint16s, vector } from '../presentation.ts';
import type { NamedGroup } from '../primitives.ts';

export const extensionTypes = {
  server_name: 0,
  /** RFC 6066 §4 */
  max_fragment_length: 1,
  /** RFC 8422 §5.1.1 */
  supported_groups: 10,
  /** RFC 8422 §5.1.2 */
  ec_point_formats: 11,
  /** RFC 5246 §7.4.1.4.1 */
  signature_algorithms: 13,
  /** RFC 7250 §3 */
  client_certificate_type: 19,
  server_certificate_type: 20,
  /** RFC 7366 §2 */
  encrypt_then_mac: 22,
  /** RFC 7627 §5.1 */
  extended_master_secret: 23,
  /** RFC 8449 §4 */
  record_size_limit: 28,
  /** RFC 5077 §3.2 */
  session_ticket: 35,
  /** RFC 9146 §3 */
  connection_id: 54,
  /** RFC 9853 §3: `rrc` */
  return_routability_check: 61,
  /** RFC 5746 §3.2 */
  renegotiation_info: 0xff01,
} as const;
export type ExtensionType = keyof typeof extensionTypes;

/** Data by type; of those that are not known here only the numbers count. */
export type Extensions = ReadonlyMap<number, Uint8Array>;

export const certificateTypes = { x509: 0, raw_public_key: 2 } as const;
export type CertificateType = keyof typeof certificateTypes;

/** RFC 8422 §5.1.1 */
export const namedGroups: Readonly<Record<NamedGroup, number>> = { secp256r1: 23, x25519: 29 };

/** ECPointFormat (RFC 8422 §5.1.2) */
const uncompressed = 0;

/** The one signature algorithm here (RFC 5246 §7.4.1.4.1): SHA-256 with ECDSA. */
export const ecdsaSha256 = 0x0403;

export function decodeExtensions(reader: Reader): Extensions {
  const extensions = new Map<number, Uint8Array>();
  // RFC 5246 §7.4.1.2: a hello without the block of extensions is one without extensions.
  if (reader.remaining === 0) return extensions;
  const list = new Reader(reader.vector(2));
  while (list.remaining > 0) {
    const type = list.uint(2);
    if (extensions.has(type)) throw new FatalAlert('decode_error', `The extension ${type} stands there twice`);
    extensions.set(type, list.vector(2));
  }
  return extensions;
}

export function encodeExtensions(extensions: Extensions): Uint8Array {
  if (extensions.size === 0) return emptyBytes;
  return vector(2, ...[...extensions].map(([type, data]) => concatBytes([uint(type, 2), vector(2, data)])));
}

/** The data of an extension, read to its end by `read`; undefined where it is absent. */
export function readExtension<T>(
  extensions: Extensions,
  type: ExtensionType,
  read: (reader: Reader) => T,
): T | undefined {
  const data = extensions.get(extensionTypes[type]);
  if (data === undefined) return undefined;
  const reader = new Reader(data);
  const value = read(reader);
  reader.end();
  return value;
}

/** An extension without data: that it is there is all it says. @throws FatalAlert where it has some. */
export const isSignalled = (
  extensions: Extensions,
  type: 'extended_master_secret' | 'encrypt_then_mac' | 'return_routability_check',
): boolean => readExtension(extensions, type, () => true) ?? false;

export const hasExtension = (extensions: Extensions, type: ExtensionType): boolean =>
  extensions.has(extensionTypes[type]);

/** The groups that a client offers and that are known here, in its order; undefined where it names none (RFC 8422 §4). */
export const offeredGroups = (extensions: Extensions): NamedGroup[] | undefined =>
  readExtension(extensions, 'supported_groups', (reader) => reader.uint16s(2, 2))?.flatMap((number) =>
    (Object.keys(namedGroups) as NamedGroup[]).filter((name) => namedGroups[name] === number),
  );

/** RFC 8422 §5.1.2, §5.2: who names point formats takes uncompressed ones. */
export function checkPointFormats(extensions: Extensions): void {
  const formats = readExtension(extensions, 'ec_point_formats', (reader) => reader.vector(1, 1));
  if (formats?.includes(uncompressed) === false) {
    throw new FatalAlert('illegal_parameter', 'The peer takes no uncompressed points');
  }
}

/** True also where a client names none: RFC 5246 §7.4.1.4.1 would then take SHA-1, which no peer here should sign with. */
export const takesEcdsaSha256 = (extensions: Extensions): boolean =>
  readExtension(extensions, 'signature_algorithms', (reader) => reader.uint16s(2, 2))?.includes(ecdsaSha256) ?? true;

/** The certificate types that a client offers; X.509 where it names none (RFC 7250 §4.1). */
export function offeredCertificateTypes(
  extensions: Extensions,
  type: 'client_certificate_type' | 'server_certificate_type',
): CertificateType[] {
  const numbers = readExtension(extensions, type, (reader) => [...reader.vector(1, 1)]) ?? [certificateTypes.x509];
  return numbers.flatMap((number) =>
    (Object.keys(certificateTypes) as CertificateType[]).filter((name) => certificateTypes[name] === number),
  );
}

/** RFC 6066 §4: 2^9 to 2^12. */
export function maxFragmentLength(code: number | undefined): number | undefined {
  if (code === undefined) return undefined;
  if (code < 1 || code > 4) throw new FatalAlert('illegal_parameter', `There is no maximum fragment length ${code}`);
  return 1 << (8 + code);
}

/** RFC 8449 §4 */
export function recordSizeLimit(extensions: Extensions): number | undefined {
  const limit = readExtension(extensions, 'record_size_limit', (reader) => reader.uint(2));
  if (limit !== undefined && limit < 64)
    throw new FatalAlert('illegal_parameter', 'A record size limit is less than 64');
  return limit;
}

/** `opaque cid<0..2^8-1>` (RFC 9146 §3). A copy: it is kept for long, and the hello need not be. */
export const connectionIdOf = (extensions: Extensions): Uint8Array | undefined =>
  readExtension(extensions, 'connection_id', (reader) => reader.vector(1).slice());

/** RFC 5746 §3.4, §3.6: in a first handshake renegotiated_connection is empty. */
export function checkRenegotiationInfo(extensions: Extensions): void {
  const info = readExtension(extensions, 'renegotiation_info', (reader) => reader.vector(1));
  if (info !== undefined && info.length > 0) {
    throw new FatalAlert('handshake_failure', 'A first handshake speaks of one before it (RFC 5746 §3.6)');
  }
}

export type ExtensionEntry = readonly [ExtensionType, Uint8Array];

export const extensionsOf = (entries: readonly (ExtensionEntry | undefined)[]): Extensions =>
  new Map(entries.flatMap((entry) => (entry === undefined ? [] : [[extensionTypes[entry[0]], entry[1]] as const])));

export const emptyRenegotiationInfo: ExtensionEntry = ['renegotiation_info', vector(1)];
export const uncompressedPoints: ExtensionEntry = ['ec_point_formats', vector(1, Uint8Array.of(uncompressed))];
export const groupList = (groups: readonly NamedGroup[]): ExtensionEntry => [
  'supported_groups',
  vector(2, uint16s(groups.map((group) => namedGroups[group]))),
];
export const signatureAlgorithms: ExtensionEntry = ['signature_algorithms', vector(2, uint16s([ecdsaSha256]))];
