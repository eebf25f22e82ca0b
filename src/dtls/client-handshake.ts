/**
 * The client's side of a handshake (RFC 6347 §4.2.4; RFC 5246 §7.3):
 *
 *     ClientHello                                 →  HelloVerifyRequest
 *     ClientHello with the cookie                 →  ServerHello ... ServerHelloDone    (full)
 *     Certificate*, ClientKeyExchange, CertificateVerify*, [CCS], Finished
 *                                                 →  NewSessionTicket*, [CCS], Finished
 *     or                                          →  ServerHello, NewSessionTicket*, [CCS], Finished    (resumed)
 *     [CCS], Finished
 */
import { concatBytes, emptyBytes } from '../core/bytes.ts';
import type { Instant } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import type { KeyExchange } from './cipher-suites.ts';
import { accept, clientHello, type Acceptance } from './client-offer.ts';
import { anonymous, type ClientCredentials, type PeerIdentity } from './credentials.ts';
import {
  addFinished,
  checkFinished,
  protections,
  type Handshake,
  type HandshakeContext,
  type Protections,
} from './handshake.ts';
import type { HandshakeMessage } from './handshake-message.ts';
import { masterSecret, pskPremasterSecret } from './key-schedule.ts';
import { MessageOrder, type Step } from './message-order.ts';
import { decodeCertificate, encodeCertificate } from './messages/certificate.ts';
import { decodeCertificateRequest } from './messages/certificate-request.ts';
import { encodeCertificateVerify } from './messages/certificate-verify.ts';
import { encodeClientHello, type ClientHello } from './messages/client-hello.ts';
import { encodeClientKeyExchange } from './messages/client-key-exchange.ts';
import { decodeHelloVerifyRequest } from './messages/hello-verify-request.ts';
import { decodeNewSessionTicket } from './messages/new-session-ticket.ts';
import { decodeServerHello } from './messages/server-hello.ts';
import { decodeServerKeyExchange, encodeEcdhParams, type EcdhParams } from './messages/server-key-exchange.ts';
import type { VerifyingKey } from './primitives.ts';
import type { ClientSession } from './session.ts';

const serverFlight: Readonly<Record<KeyExchange, readonly Step[]>> = {
  psk: [{ type: 'server_key_exchange', optional: true }, { type: 'server_hello_done' }],
  ecdhe_psk: [{ type: 'server_key_exchange' }, { type: 'server_hello_done' }],
  ecdhe_ecdsa: [
    { type: 'certificate' },
    { type: 'server_key_exchange' },
    { type: 'certificate_request', optional: true },
    { type: 'server_hello_done' },
  ],
};
const opening: readonly Step[] = [{ type: 'hello_verify_request', optional: true }, { type: 'server_hello' }];
const ending: readonly Step[] = [{ type: 'change_cipher_spec' }, { type: 'finished' }];
/** RFC 5077 §3.3: it stands before the change_cipher_spec, and must come where it was announced. */
const endingWithTicket: readonly Step[] = [{ type: 'new_session_ticket' }, ...ending];

/** A cookie may have grown too old on its way, once or twice. */
const maxCookies = 3;

export class ClientHandshake implements Handshake {
  readonly #context: HandshakeContext;
  readonly #credentials: ClientCredentials;
  readonly #offered: ClientSession | undefined;
  readonly #order: MessageOrder = new MessageOrder(opening);
  #hello: ClientHello;
  #cookies = 0;
  #accepted: Acceptance | undefined = undefined;
  #serverRandom: Uint8Array = emptyBytes;
  #sessionId: Uint8Array = emptyBytes;
  #ticket: Uint8Array = emptyBytes;
  #serverKey: VerifyingKey | undefined = undefined;
  #params: EcdhParams | undefined = undefined;
  /** The server asks for a certificate; whether this end has one that fits. */
  #certificateRequest: { readonly fits: boolean } | undefined = undefined;
  #identity: PeerIdentity = anonymous;
  #master: Uint8Array = emptyBytes;
  #protections: Protections | undefined = undefined;
  #cipherSpecChanged = false;

  /** Sends the first ClientHello. */
  constructor(
    context: HandshakeContext,
    credentials: ClientCredentials,
    offered: ClientSession | undefined,
    now: Instant,
  ) {
    this.#context = context;
    this.#credentials = credentials;
    this.#offered = offered;
    this.#hello = clientHello(context.options, credentials, context.ownCid, offered);
    this.#sendHello(now);
  }

  receive(message: HandshakeMessage, now: Instant): void {
    // RFC 5246 §7.4.1.1: a HelloRequest in a handshake is ignored, and is not part of it.
    if (message.type === 'hello_request') return;
    this.#order.take(message.type);
    this.#take(message, now);
    this.#readProtected();
  }

  #take(message: HandshakeMessage, now: Instant): void {
    const { transcript } = this.#context;
    if (message.type === 'finished') {
      checkFinished(this.#context, this.#master, 'server', message.body);
      transcript.add(message);
      this.#finish(now);
      return;
    }
    if (message.type === 'hello_verify_request') {
      this.#verifyRequest(message.body, now);
      return;
    }
    transcript.add(message);
    switch (message.type) {
      case 'server_hello':
        this.#serverHello(message.body);
        break;
      case 'certificate':
        this.#certificate(message.body);
        break;
      case 'server_key_exchange':
        this.#serverKeyExchange(message.body);
        break;
      case 'certificate_request':
        this.#certificateRequest = { fits: decodeCertificateRequest(message.body) };
        break;
      case 'server_hello_done':
        if (message.body.length > 0) throw new FatalAlert('decode_error', 'A ServerHelloDone has a body');
        this.#answer(now);
        break;
      case 'new_session_ticket':
        this.#ticket = decodeNewSessionTicket(message.body).ticket;
        break;
      default:
        throw new FatalAlert('unexpected_message', `A server does not send ${message.type}`);
    }
  }

  changeCipherSpec(): void {
    this.#cipherSpecChanged = true;
    this.#readProtected();
  }

  /** Once the change_cipher_spec has come and is in turn; it may have overtaken what stands before it. */
  #readProtected(): void {
    if (!this.#cipherSpecChanged || this.#protections === undefined || !this.#order.takeChangeCipherSpec()) return;
    const { layer, ownCid } = this.#context;
    layer.protectReads(this.#protections.server, this.#acceptance.peerCid === undefined ? emptyBytes : ownCid);
  }

  get #acceptance(): Acceptance {
    if (this.#accepted === undefined) throw new FatalAlert('internal_error', 'There was no ServerHello');
    return this.#accepted;
  }

  get #keys(): Protections {
    if (this.#protections === undefined) throw new FatalAlert('internal_error', 'There are no keys yet');
    return this.#protections;
  }

  #sendHello(now: Instant): void {
    this.#context.channel.add('client_hello', encodeClientHello(this.#hello));
    this.#context.channel.send(now, false);
  }

  #verifyRequest(body: Uint8Array, now: Instant): void {
    if (++this.#cookies > maxCookies) throw new FatalAlert('handshake_failure', 'The server takes none of its cookies');
    this.#order.expect(opening);
    // RFC 6347 §4.2.6: neither this message nor the ClientHello before it counts.
    this.#context.transcript.clear();
    this.#hello = { ...this.#hello, cookie: decodeHelloVerifyRequest(body) };
    this.#sendHello(now);
  }

  #serverHello(body: Uint8Array): void {
    const server = decodeServerHello(body);
    const { layer } = this.#context;
    this.#accepted = accept(server, this.#hello, this.#offered);
    this.#serverRandom = server.random;
    this.#sessionId = server.sessionId;
    layer.maxContentBytes = this.#accepted.maxContentBytes;
    if (this.#accepted.resumed && this.#offered !== undefined) {
      this.#identity = this.#offered.session.identity;
      this.#master = this.#offered.session.masterSecret;
      this.#protections = this.#makeProtections();
      this.#expectEnding();
    } else {
      this.#order.expect(serverFlight[this.#accepted.suite.keyExchange]);
    }
  }

  #certificate(body: Uint8Array): void {
    const { crypto } = this.#context.options;
    const type = this.#acceptance.serverCertificateType;
    // RFC 7250 §4.2: a server that says nothing of types shows X.509, which need not have been offered.
    if (this.#credentials.serverCertificates?.types.includes(type) !== true)
      throw new FatalAlert(
        'unsupported_certificate',
        `The server shows a certificate of a type that was not asked for: ${type}`,
      );
    const payload = decodeCertificate(body, type);
    const [own] = payload;
    if (own === undefined) throw new FatalAlert('bad_certificate', 'The server shows no certificate');
    const key = type === 'x509' ? crypto.parseCertificate(own)?.publicKey : crypto.verifyingKey(own);
    if (key === undefined || !key.isP256)
      throw new FatalAlert('unsupported_certificate', 'The server has no P-256 key');
    const verdict = this.#credentials.serverCertificates.verify({ type, payload });
    if (!verdict.accepted) throw new FatalAlert(verdict.alert, verdict.reason);
    this.#serverKey = key;
    this.#identity = { kind: type, name: verdict.name };
  }

  #serverKeyExchange(body: Uint8Array): void {
    const { keyExchange } = this.#acceptance.suite;
    const { params, signature } = decodeServerKeyExchange(body, keyExchange);
    if (params !== undefined && !this.#context.options.groups.includes(params.group)) {
      throw new FatalAlert('illegal_parameter', `The server uses ${params.group}, which was not offered`);
    }
    this.#params = params;
    if (keyExchange !== 'ecdhe_ecdsa' || params === undefined) return;
    const signed = concatBytes([this.#hello.random, this.#serverRandom, encodeEcdhParams(params)]);
    if (signature === undefined || this.#serverKey?.verify(signed, signature) !== true) {
      throw new FatalAlert('decrypt_error', 'The server does not hold the key of its certificate');
    }
  }

  /** Flight 5. */
  #answer(now: Instant): void {
    const { channel, transcript, layer, options } = this.#context;
    const { suite, peerCid } = this.#acceptance;
    const certificate = this.#addCertificate();

    const share = this.#params === undefined ? undefined : options.crypto.keyShare(this.#params.group);
    const shared = this.#params === undefined ? undefined : share?.agree(this.#params.publicKey);
    if (share !== undefined && shared === undefined) {
      throw new FatalAlert('illegal_parameter', 'The server has sent no valid public key');
    }
    const psk = this.#credentials.preSharedKey;
    const exchange = { pskIdentity: psk?.identity ?? emptyBytes, publicKey: share?.publicKey ?? emptyBytes };
    channel.add('client_key_exchange', encodeClientKeyExchange(exchange, suite.keyExchange));
    // Who knows the key is who was meant: a server has no name of its own here.
    if (suite.keyExchange !== 'ecdhe_ecdsa') this.#identity = { kind: 'psk', name: '' };
    const premaster =
      suite.keyExchange === 'ecdhe_ecdsa'
        ? shared
        : psk === undefined
          ? undefined
          : pskPremasterSecret(psk.key, shared);
    if (premaster === undefined) throw new FatalAlert('internal_error', 'The key exchange has no result');
    this.#master = masterSecret(options.crypto, premaster, { extended: true, sessionHash: transcript.hash() });
    if (certificate !== undefined) {
      channel.add('certificate_verify', encodeCertificateVerify(certificate.signingKey.sign(transcript.bytes())));
    }

    this.#protections = this.#makeProtections();
    layer.protectWrites(this.#protections.client, peerCid ?? emptyBytes);
    addFinished(this.#context, this.#master, 'client');
    channel.send(now, false);
    this.#expectEnding();
  }

  /** The certificate that is shown, which has still to be proven; an empty list where there is none (RFC 5246 §7.4.6). */
  #addCertificate(): ClientCredentials['certificate'] {
    if (this.#certificateRequest === undefined) return undefined;
    const { certificate } = this.#credentials;
    const type = this.#acceptance.ownCertificateType;
    const fits = this.#certificateRequest.fits && certificate?.type === type;
    this.#context.channel.add('certificate', encodeCertificate(fits ? certificate.payload : [], type));
    return fits ? certificate : undefined;
  }

  #expectEnding(): void {
    this.#order.expect(this.#acceptance.sendsTicket ? endingWithTicket : ending);
  }

  #finish(now: Instant): void {
    const { channel, layer } = this.#context;
    const { suite, resumed, peerCid, returnRoutability } = this.#acceptance;
    if (resumed) {
      layer.protectWrites(this.#keys.client, peerCid ?? emptyBytes);
      addFinished(this.#context, this.#master, 'client');
      channel.send(now, true);
    } else {
      channel.finish();
    }
    this.#context.established(
      {
        suite,
        identity: this.#identity,
        resumed,
        extendedMasterSecret: true,
        returnRoutability,
        sessionId: this.#sessionId,
        clientSession: this.#clientSession(resumed),
      },
      this.#keys.keys,
      now,
    );
  }

  #clientSession(resumed: boolean): ClientSession | undefined {
    const keepsTicket = this.#ticket.length > 0;
    if (resumed && !keepsTicket) return this.#offered;
    if (!keepsTicket && this.#sessionId.length === 0) return undefined;
    return {
      session: {
        cipherSuite: this.#acceptance.suite.id,
        masterSecret: this.#master,
        identity: this.#identity,
        createdMs:
          this.#offered !== undefined && resumed ? this.#offered.session.createdMs : this.#context.options.wallClock(),
      },
      id: keepsTicket ? emptyBytes : this.#sessionId,
      ticket: this.#ticket,
    };
  }

  #makeProtections(): Protections {
    const { crypto } = this.#context.options;
    return protections(crypto, this.#acceptance.suite, this.#master, this.#hello.random, this.#serverRandom);
  }
}
