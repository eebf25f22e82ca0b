/** What a client offers in its ClientHello (RFC 5246 §7.4.1.2), and what of a ServerHello fits that. */
import { emptyBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { FatalAlert } from './alert.ts';
import { cipherSuiteOf, renegotiationInfoScsv, type CipherSuite } from './cipher-suites.ts';
import type { ClientCredentials } from './credentials.ts';
import { nullCompression, type ClientHello } from './messages/client-hello.ts';
import {
  certificateTypes,
  checkPointFormats,
  checkRenegotiationInfo,
  connectionIdOf,
  extensionsOf,
  extensionTypes,
  groupList,
  hasExtension,
  isSignalled,
  readExtension,
  recordSizeLimit,
  signatureAlgorithms,
  uncompressedPoints,
  type CertificateType,
  type ExtensionEntry,
  type Extensions,
} from './messages/extensions.ts';
import type { ServerHello } from './messages/server-hello.ts';
import type { DtlsOptions } from './options.ts';
import { uint, vector } from './presentation.ts';
import { dtls12, maxPlaintextBytes } from './record.ts';
import type { ClientSession } from './session.ts';

/** The suites for which this client has what they need. */
const usableSuites = (options: DtlsOptions, credentials: ClientCredentials): readonly CipherSuite[] =>
  options.cipherSuites.filter(({ keyExchange }) =>
    keyExchange === 'ecdhe_ecdsa'
      ? credentials.serverCertificates !== undefined
      : credentials.preSharedKey !== undefined,
  );

/** Without a cookie. */
export function clientHello(
  options: DtlsOptions,
  credentials: ClientCredentials,
  ownCid: Uint8Array,
  offered: ClientSession | undefined,
): ClientHello {
  const { crypto } = options;
  const suites = usableSuites(options, credentials);
  if (suites.length === 0) {
    throw new FatalAlert('insufficient_security', 'There is no cipher suite for which a key or trust is configured');
  }
  const ephemeral = suites.some(({ keyExchange }) => keyExchange !== 'psk');
  const certificates = suites.some(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa');
  const typeList = (types: readonly CertificateType[]): Uint8Array =>
    vector(
      1,
      Uint8Array.from(types, (type) => certificateTypes[type]),
    );
  const ownType = credentials.certificate?.type;
  const serverTypes = credentials.serverCertificates?.types ?? ['x509'];
  const when = (condition: boolean, entry: ExtensionEntry): ExtensionEntry | undefined =>
    condition ? entry : undefined;

  return {
    version: dtls12,
    random: crypto.randomBytes(32),
    // RFC 5077 §3.4: with a ticket, an ID of the client's own shows whether the server has taken it.
    sessionId: offered === undefined ? emptyBytes : offered.ticket.length > 0 ? crypto.randomBytes(32) : offered.id,
    cookie: emptyBytes,
    cipherSuites: [...suites.map(({ id }) => id), renegotiationInfoScsv],
    compressionMethods: nullCompression,
    extensions: extensionsOf([
      credentials.serverName === undefined ? undefined : ['server_name', serverName(credentials.serverName)],
      ['extended_master_secret', emptyBytes],
      ...(ephemeral ? [groupList(options.groups), uncompressedPoints] : []),
      when(certificates, signatureAlgorithms),
      when(certificates && ownType === 'raw_public_key', ['client_certificate_type', typeList(['raw_public_key'])]),
      when(certificates && (serverTypes.length > 1 || serverTypes[0] !== 'x509'), [
        'server_certificate_type',
        typeList(serverTypes),
      ]),
      when(
        suites.some(({ cipher }) => cipher.kind === 'cbc'),
        ['encrypt_then_mac', emptyBytes],
      ),
      ['record_size_limit', uint(maxPlaintextBytes, 2)],
      ['session_ticket', offered?.ticket ?? emptyBytes],
      when(options.offersConnectionId, ['connection_id', vector(1, ownCid)]),
      when(options.offersConnectionId, ['return_routability_check', emptyBytes]),
    ]),
  };
}

/** RFC 6066 §3: | list 2+ of | name_type 1 = host_name | HostName <1..> 2+ | | */
const serverName = (host: string): Uint8Array => vector(2, Uint8Array.of(0), vector(2, utf8(host)));

/** What the server has made of the offer. */
export interface Acceptance {
  readonly suite: CipherSuite;
  readonly resumed: boolean;
  /** What the server wants in records to it; undefined where there are no Connection IDs. */
  readonly peerCid: Uint8Array | undefined;
  readonly returnRoutability: boolean;
  readonly maxContentBytes: number;
  readonly sendsTicket: boolean;
  readonly ownCertificateType: CertificateType;
  readonly serverCertificateType: CertificateType;
}

/** @throws FatalAlert where the server chose what was not offered. */
export function accept(server: ServerHello, hello: ClientHello, offered: ClientSession | undefined): Acceptance {
  const { extensions } = server;
  for (const type of extensions.keys()) {
    const asked = hello.extensions.has(type) || type === extensionTypes.renegotiation_info;
    if (!asked)
      throw new FatalAlert('unsupported_extension', `The server answers an extension ${type} that was not sent`);
  }
  checkRenegotiationInfo(extensions);
  checkPointFormats(extensions);
  const suite = cipherSuiteOf(server.cipherSuite);
  if (suite === undefined || !hello.cipherSuites.includes(suite.id)) {
    throw new FatalAlert('illegal_parameter', 'The server chose a cipher suite that was not offered');
  }
  if (suite.cipher.kind === 'cbc' && !isSignalled(extensions, 'encrypt_then_mac')) {
    throw new FatalAlert('handshake_failure', 'The server would use CBC without encrypt-then-MAC');
  }
  if (!isSignalled(extensions, 'extended_master_secret')) {
    throw new FatalAlert('handshake_failure', 'The server has no extended master secret (RFC 7627)');
  }
  const resumed = hello.sessionId.length > 0 && equalBytes(server.sessionId, hello.sessionId);
  if (resumed && offered?.session.cipherSuite !== suite.id) {
    throw new FatalAlert('illegal_parameter', 'The server resumes a session with another cipher suite');
  }
  const peerCid = connectionIdOf(extensions);
  return {
    suite,
    resumed,
    peerCid,
    returnRoutability: peerCid !== undefined && isSignalled(extensions, 'return_routability_check'),
    maxContentBytes: Math.min(recordSizeLimit(extensions) ?? maxPlaintextBytes, maxPlaintextBytes),
    sendsTicket: hasExtension(extensions, 'session_ticket'),
    ownCertificateType: chosenType(extensions, hello, 'client_certificate_type'),
    serverCertificateType: chosenType(extensions, hello, 'server_certificate_type'),
  };
}

/** X.509 where the server does not say (RFC 7250 §4.2). */
function chosenType(
  extensions: Extensions,
  hello: ClientHello,
  type: 'client_certificate_type' | 'server_certificate_type',
): CertificateType {
  const chosen = readExtension(extensions, type, (reader) => reader.uint(1));
  if (chosen === undefined) return 'x509';
  const offered = readExtension(hello.extensions, type, (reader) => [...reader.vector(1, 1)]) ?? [];
  if (!offered.includes(chosen))
    throw new FatalAlert('illegal_parameter', 'The server chose a certificate type that was not offered');
  return chosen === certificateTypes.raw_public_key ? 'raw_public_key' : 'x509';
}
