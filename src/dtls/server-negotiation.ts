/**
 * What a server makes of a ClientHello: the suite and everything that depends on it (RFC 5246 §7.4.1), decided before
 * anything is sent, without state. The order of `DtlsOptions.cipherSuites` counts, not the client's.
 */
import { concatBytes, emptyBytes } from '../core/bytes.ts';
import { FatalAlert } from './alert.ts';
import { renegotiationInfoScsv, type CipherSuite } from './cipher-suites.ts';
import type { OwnCertificate, ServerCredentials } from './credentials.ts';
import { nullCompression, offersDtls12, type ClientHello } from './messages/client-hello.ts';
import {
  certificateTypes,
  checkPointFormats,
  checkRenegotiationInfo,
  connectionIdOf,
  emptyRenegotiationInfo,
  extensionsOf,
  hasExtension,
  isSignalled,
  maxFragmentLength,
  offeredCertificateTypes,
  offeredGroups,
  readExtension,
  recordSizeLimit,
  takesEcdsaSha256,
  uncompressedPoints,
  type CertificateType,
  type ExtensionEntry,
  type Extensions,
} from './messages/extensions.ts';
import type { DtlsOptions } from './options.ts';
import { uint, vector } from './presentation.ts';
import type { NamedGroup } from './primitives.ts';
import { maxPlaintextBytes } from './record.ts';

/** What holds whether the session is new or resumed. */
export interface Agreement {
  readonly extendedMasterSecret: boolean;
  /** What the client wants in records to it; undefined where it does not know of Connection IDs. */
  readonly peerCid: Uint8Array | undefined;
  readonly returnRoutability: boolean;
  /** In a record to the client, and from it. */
  readonly maxContentBytes: number;
  readonly maxReadBytes: number;
  /** The client understands tickets (RFC 5077 §3.2). */
  readonly takesTicket: boolean;
  /** What it offers in its ticket extension. */
  readonly ticket: Uint8Array;
}

/** What a full handshake goes on with. */
export interface Choice {
  readonly suite: CipherSuite;
  /** With ephemeral suites. */
  readonly group: NamedGroup | undefined;
  /** With certificate suites. */
  readonly certificate: OwnCertificate | undefined;
  /** What the client is asked to show; undefined where it is not asked. */
  readonly clientCertificateType: CertificateType | undefined;
}

/** @throws FatalAlert where the ClientHello cannot be answered. */
export function agree(hello: ClientHello, credentials: ServerCredentials): Agreement {
  const { extensions } = hello;
  if (!offersDtls12(hello)) throw new FatalAlert('protocol_version', 'The client does not speak DTLS 1.2');
  if (!hello.compressionMethods.includes(nullCompression[0] ?? 0)) {
    throw new FatalAlert('illegal_parameter', 'The client insists on compression');
  }
  checkRenegotiationInfo(extensions);
  checkPointFormats(extensions);
  const extendedMasterSecret = isSignalled(extensions, 'extended_master_secret');
  if (!extendedMasterSecret && !credentials.allowLegacyMasterSecret) {
    throw new FatalAlert('handshake_failure', 'The client has no extended master secret (RFC 7627)');
  }
  // RFC 8449 §5: where both are there, the newer one counts; the older one holds for both directions.
  const sizeLimit = recordSizeLimit(extensions);
  const fragmentLimit = sizeLimit === undefined ? fragmentLength(extensions) : undefined;
  const ticket = extensions.get(35);
  const peerCid = connectionIdOf(extensions);
  return {
    extendedMasterSecret,
    peerCid,
    returnRoutability: peerCid !== undefined && isSignalled(extensions, 'return_routability_check'),
    maxContentBytes: Math.min(sizeLimit ?? fragmentLimit ?? maxPlaintextBytes, maxPlaintextBytes),
    maxReadBytes: fragmentLimit ?? maxPlaintextBytes,
    takesTicket: ticket !== undefined,
    ticket: ticket ?? emptyBytes,
  };
}

const fragmentLength = (extensions: Extensions): number | undefined =>
  maxFragmentLength(readExtension(extensions, 'max_fragment_length', (reader) => reader.uint(1)));

/** CBC is taken with encrypt-then-MAC only (RFC 7366), in a resumed session too. */
export const offersSuite = ({ cipherSuites, extensions }: ClientHello, { id, cipher }: CipherSuite): boolean =>
  cipherSuites.includes(id) && (cipher.kind !== 'cbc' || isSignalled(extensions, 'encrypt_then_mac'));

/** @throws FatalAlert where there is no suite that both speak. */
export function choose(hello: ClientHello, options: DtlsOptions, credentials: ServerCredentials): Choice {
  const { extensions } = hello;
  const certificate = usableCertificate(extensions, credentials);
  const offered = offeredGroups(extensions);
  // RFC 8422 §4: a client that names no groups takes any; X25519 is too new for such a one.
  const group =
    offered === undefined
      ? options.groups.find((group) => group === 'secp256r1')
      : options.groups.find((group) => offered.includes(group));
  const legacy = !isSignalled(extensions, 'extended_master_secret');
  const suite = options.cipherSuites.find((suite) => {
    const { keyExchange } = suite;
    if (!offersSuite(hello, suite)) return false;
    if (keyExchange !== 'psk' && group === undefined) return false;
    return keyExchange === 'ecdhe_ecdsa'
      ? certificate !== undefined && !legacy
      : credentials.preSharedKey !== undefined;
  });
  if (suite === undefined)
    throw new FatalAlert('handshake_failure', 'The client offers no cipher suite that is spoken here');
  const withCertificates = suite.keyExchange === 'ecdhe_ecdsa';
  return {
    suite,
    group: suite.keyExchange === 'psk' ? undefined : group,
    certificate: withCertificates ? certificate : undefined,
    clientCertificateType: withCertificates ? clientCertificateType(extensions, credentials) : undefined,
  };
}

function usableCertificate(extensions: Extensions, { certificates }: ServerCredentials): OwnCertificate | undefined {
  if (!takesEcdsaSha256(extensions)) return undefined;
  // RFC 8422 §5.3: the key of a certificate lies on a curve that the client names, and all here are P-256.
  if (offeredGroups(extensions)?.includes('secp256r1') === false) return undefined;
  const types = offeredCertificateTypes(extensions, 'server_certificate_type');
  // GnuTLS always names X.509 first, also where it knows no authority; a client that shows a raw key itself knows ours.
  const [shown] = hasExtension(extensions, 'client_certificate_type')
    ? offeredCertificateTypes(extensions, 'client_certificate_type')
    : [];
  const inOrder = shown !== undefined && types.includes(shown) ? [shown, ...types] : types;
  for (const type of inOrder) {
    const found = certificates.find((certificate) => certificate.type === type);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @throws FatalAlert where a certificate is required of a client that has none of the types (RFC 7250 §4.2). */
function clientCertificateType(extensions: Extensions, credentials: ServerCredentials): CertificateType | undefined {
  const wanted = credentials.clientCertificates;
  if (wanted === undefined) return undefined;
  const type = offeredCertificateTypes(extensions, 'client_certificate_type').find((type) =>
    wanted.types.includes(type),
  );
  if (type === undefined && wanted.required) {
    throw new FatalAlert('unsupported_certificate', 'The client has no certificate of a type that is taken here');
  }
  return type;
}

export interface AnswerParts {
  readonly hello: ClientHello;
  readonly agreement: Agreement;
  /** Of a full handshake. */
  readonly choice: Choice | undefined;
  readonly suite: CipherSuite;
  /** What this end wants in records to it. */
  readonly ownCid: Uint8Array;
  readonly willSendTicket: boolean;
}

/** The extensions of a ServerHello: only what the client asked for (RFC 5246 §7.4.1.4). */
export function answerExtensions({ hello, agreement, choice, suite, ownCid, willSendTicket }: AnswerParts): Extensions {
  const { extensions } = hello;
  const offers = (type: Parameters<typeof hasExtension>[1]): boolean => hasExtension(extensions, type);
  const when = (condition: boolean, entry: ExtensionEntry): ExtensionEntry | undefined =>
    condition ? entry : undefined;
  const certificateType = (type: CertificateType): Uint8Array => Uint8Array.of(certificateTypes[type]);
  const clientType = choice?.clientCertificateType;
  const serverType = choice?.certificate?.type;
  return extensionsOf([
    when(offers('renegotiation_info') || hello.cipherSuites.includes(renegotiationInfoScsv), emptyRenegotiationInfo),
    when(agreement.extendedMasterSecret, ['extended_master_secret', emptyBytes]),
    when(suite.cipher.kind === 'cbc', ['encrypt_then_mac', emptyBytes]),
    when(suite.keyExchange !== 'psk' && choice !== undefined && offers('ec_point_formats'), uncompressedPoints),
    offers('client_certificate_type') && clientType !== undefined
      ? ['client_certificate_type', certificateType(clientType)]
      : undefined,
    offers('server_certificate_type') && serverType !== undefined
      ? ['server_certificate_type', certificateType(serverType)]
      : undefined,
    // RFC 8449 §5: not both.
    offers('record_size_limit')
      ? ['record_size_limit', uint(maxPlaintextBytes, 2)]
      : echoed(extensions, 'max_fragment_length'),
    when(willSendTicket, ['session_ticket', emptyBytes]),
    when(agreement.peerCid !== undefined, ['connection_id', vector(1, ownCid)]),
    when(agreement.returnRoutability, ['return_routability_check', emptyBytes]),
  ]);
}

function echoed(extensions: Extensions, type: 'max_fragment_length'): ExtensionEntry | undefined {
  const data = extensions.get(1);
  return data === undefined ? undefined : [type, concatBytes([data])];
}
