/**
 * The server's side of a handshake, from the ClientHello that brought a valid cookie (RFC 6347 §4.2.4; RFC 5246 §7.3):
 *
 *     full       ClientHello  →  ServerHello, Certificate*, ServerKeyExchange*, CertificateRequest*, ServerHelloDone
 *                Certificate*, ClientKeyExchange, CertificateVerify*, [CCS], Finished  →  NewSessionTicket*, [CCS], Finished
 *
 *     resumed    ClientHello  →  ServerHello, [CCS], Finished
 *                [CCS], Finished
 *
 * An unknown PSK identity, and one that may not do without an extended master secret, goes on with a key that nobody knows:
 * who asks learns only that the Finished message is wrong (RFC 4279 §2).
 */
import { concatBytes, emptyBytes } from '../core/bytes.ts';
import type { Instant } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import { cipherSuiteOf } from './cipher-suites.ts';
import { anonymous, type PeerIdentity, type ServerCredentials } from './credentials.ts';
import {
  addFinished,
  checkFinished,
  protections,
  type Handshake,
  type HandshakeContext,
  type Protections,
} from './handshake.ts';
import type { HandshakeMessage } from './handshake-message.ts';
import { helloRandom, masterSecret, pskPremasterSecret } from './key-schedule.ts';
import { MessageOrder, type Step } from './message-order.ts';
import { decodeCertificate, encodeCertificate } from './messages/certificate.ts';
import { encodeCertificateRequest } from './messages/certificate-request.ts';
import { decodeCertificateVerify } from './messages/certificate-verify.ts';
import type { ClientHello } from './messages/client-hello.ts';
import { decodeClientKeyExchange } from './messages/client-key-exchange.ts';
import { encodeNewSessionTicket } from './messages/new-session-ticket.ts';
import { encodeServerHello } from './messages/server-hello.ts';
import { encodeEcdhParams, encodeServerKeyExchange } from './messages/server-key-exchange.ts';
import type { KeyShare, VerifyingKey } from './primitives.ts';
import { agree, answerExtensions, choose, offersSuite, type Agreement, type Choice } from './server-negotiation.ts';
import type { Session, SessionCache } from './session.ts';

const ending: readonly Step[] = [{ type: 'change_cipher_spec' }, { type: 'finished' }];
const keyExchange: readonly Step[] = [{ type: 'client_key_exchange' }, ...ending];
const provenKeyExchange: readonly Step[] = [{ type: 'client_key_exchange' }, { type: 'certificate_verify' }, ...ending];

export class ServerHandshake implements Handshake {
  readonly #context: HandshakeContext;
  readonly #credentials: ServerCredentials;
  readonly #sessions: SessionCache;
  readonly #hello: ClientHello;
  readonly #agreement: Agreement;
  readonly #random: Uint8Array;
  readonly #order: MessageOrder;
  /** Undefined where a session is resumed. */
  readonly #choice: Choice | undefined;
  readonly #share: KeyShare | undefined;
  #session: Session | undefined;
  /** The session came in a ticket: its ID is the client's word, and names nothing here (RFC 5077 §3.4). */
  #isFromTicket = false;
  #sessionId: Uint8Array = emptyBytes;
  #identity: PeerIdentity = anonymous;
  #protections: Protections | undefined = undefined;
  #cipherSpecChanged = false;
  #master: Uint8Array = emptyBytes;
  /** Of a client that has shown a certificate, and has still to prove that it is its own. */
  #clientKey: VerifyingKey | undefined = undefined;

  /** Answers the ClientHello. @throws FatalAlert where it cannot. */
  constructor(
    context: HandshakeContext,
    credentials: ServerCredentials,
    sessions: SessionCache,
    hello: ClientHello,
    message: HandshakeMessage,
    now: Instant,
  ) {
    const { crypto } = context.options;
    this.#context = context;
    this.#credentials = credentials;
    this.#sessions = sessions;
    this.#hello = hello;
    this.#random = helloRandom(crypto);
    this.#agreement = agree(hello, credentials);
    context.layer.maxContentBytes = this.#agreement.maxContentBytes;
    context.layer.maxReadBytes = this.#agreement.maxReadBytes;
    context.transcript.add(message);
    this.#session = this.#resumable();
    if (this.#session === undefined) {
      this.#choice = choose(hello, context.options, credentials);
      const { group, clientCertificateType } = this.#choice;
      this.#share = group === undefined ? undefined : crypto.keyShare(group);
      this.#order = new MessageOrder(
        clientCertificateType === undefined ? keyExchange : [{ type: 'certificate' }, ...keyExchange],
      );
      this.#answer(this.#choice, now);
    } else {
      this.#order = new MessageOrder(ending);
      this.#resume(this.#session, now);
    }
  }

  receive(message: HandshakeMessage, now: Instant): void {
    this.#order.take(message.type);
    this.#take(message, now);
    this.#readProtected();
  }

  #take(message: HandshakeMessage, now: Instant): void {
    switch (message.type) {
      case 'certificate':
        this.#certificate(message.body);
        break;
      case 'client_key_exchange':
        this.#context.transcript.add(message);
        this.#keyExchange(message.body);
        return;
      case 'certificate_verify':
        this.#certificateVerify(message.body);
        break;
      case 'finished':
        checkFinished(this.#context, this.#master, 'client', message.body);
        this.#context.transcript.add(message);
        this.#finish(now);
        return;
      default:
        throw new FatalAlert('unexpected_message', `A client does not send ${message.type}`);
    }
    this.#context.transcript.add(message);
  }

  changeCipherSpec(): void {
    this.#cipherSpecChanged = true;
    this.#readProtected();
  }

  /** Once the change_cipher_spec has come and is in turn; it may have overtaken what stands before it. */
  #readProtected(): void {
    if (!this.#cipherSpecChanged || this.#protections === undefined || !this.#order.takeChangeCipherSpec()) return;
    this.#context.layer.protectReads(this.#protections.client, this.#ownCid);
  }

  /** RFC 9146 §3: none where the client does not know of them. */
  get #ownCid(): Uint8Array {
    return this.#agreement.peerCid === undefined ? emptyBytes : this.#context.ownCid;
  }

  get #clientAuthentication(): NonNullable<ServerCredentials['clientCertificates']> {
    const wanted = this.#credentials.clientCertificates;
    if (wanted === undefined) throw new FatalAlert('internal_error', 'No client certificate was asked for');
    return wanted;
  }

  /** A session that the client offers and that may go on. @throws FatalAlert where it may not (RFC 7627 §5.3). */
  #resumable(): Session | undefined {
    const { options } = this.#context;
    const nowMs = options.wallClock();
    const { ticket, extendedMasterSecret } = this.#agreement;
    const carried = ticket.length > 0 ? options.tickets?.open(ticket, nowMs) : undefined;
    const session = carried ?? this.#sessions.get(this.#hello.sessionId, nowMs);
    const suite = options.cipherSuites.find(({ id }) => id === session?.cipherSuite);
    if (session === undefined || suite === undefined || !offersSuite(this.#hello, suite)) return undefined;
    if (!this.#credentials.mayResume(session.identity)) return undefined;
    if (!extendedMasterSecret) {
      throw new FatalAlert('handshake_failure', 'A session with extended master secret cannot go on without');
    }
    this.#isFromTicket = carried !== undefined;
    return session;
  }

  /** Flight 4 of a full handshake. */
  #answer(choice: Choice, now: Instant): void {
    const { channel } = this.#context;
    const { suite, certificate, group, clientCertificateType } = choice;
    // RFC 5077 §3.4: who takes a ticket gets no session ID. A session that does not resume has none either.
    const remembers = this.#agreement.extendedMasterSecret && !this.#willSendTicket;
    this.#sessionId = remembers ? this.#context.options.crypto.randomBytes(32) : emptyBytes;
    this.#addServerHello(choice);
    if (certificate !== undefined) channel.add('certificate', encodeCertificate(certificate.payload, certificate.type));
    if (this.#share !== undefined && group !== undefined) {
      const params = { group, publicKey: this.#share.publicKey };
      const signed = concatBytes([this.#hello.random, this.#random, encodeEcdhParams(params)]);
      const signature = certificate?.signingKey.sign(signed);
      const exchange = { pskIdentityHint: emptyBytes, params, signature };
      channel.add('server_key_exchange', encodeServerKeyExchange(exchange, suite.keyExchange));
    }
    if (clientCertificateType !== undefined) channel.add('certificate_request', encodeCertificateRequest());
    channel.add('server_hello_done', emptyBytes);
    channel.send(now, false);
  }

  /** ServerHello, change_cipher_spec and Finished of a session that goes on. */
  #resume(session: Session, now: Instant): void {
    this.#sessionId = this.#hello.sessionId.slice(); // it is kept, and the ClientHello is not
    this.#identity = session.identity;
    this.#master = session.masterSecret;
    this.#addServerHello(undefined);
    this.#protections = this.#makeProtections();
    this.#protectWrites();
    addFinished(this.#context, this.#master, 'server');
    this.#context.channel.send(now, false);
  }

  #addServerHello(choice: Choice | undefined): void {
    const suite = this.#suite;
    const extensions = answerExtensions({
      hello: this.#hello,
      agreement: this.#agreement,
      choice,
      suite,
      ownCid: this.#ownCid,
      willSendTicket: choice !== undefined && this.#willSendTicket,
    });
    const hello = { random: this.#random, sessionId: this.#sessionId, cipherSuite: suite.id, extensions };
    this.#context.channel.add('server_hello', encodeServerHello(hello));
  }

  get #suite(): Choice['suite'] {
    const suite = this.#choice?.suite ?? cipherSuiteOf(this.#session?.cipherSuite ?? 0);
    if (suite === undefined) throw new FatalAlert('internal_error', 'The session has no cipher suite');
    return suite;
  }

  get #willSendTicket(): boolean {
    const { takesTicket, extendedMasterSecret } = this.#agreement;
    return takesTicket && extendedMasterSecret && this.#context.options.tickets !== undefined;
  }

  #certificate(body: Uint8Array): void {
    const { crypto } = this.#context.options;
    const wanted = this.#clientAuthentication;
    const type = this.#choice?.clientCertificateType ?? 'x509';
    const payload = decodeCertificate(body, type);
    const [own] = payload;
    if (own === undefined) {
      // RFC 5246 §7.4.6: the client has none.
      if (wanted.required) throw new FatalAlert('handshake_failure', 'The client shows no certificate');
      return;
    }
    // First: what a stranger shows is not even taken apart where its bytes tell that it is one.
    const verdict = wanted.verify({ type, payload });
    if (!verdict.accepted) throw new FatalAlert(verdict.alert, verdict.reason);
    const key = type === 'x509' ? crypto.parseCertificate(own)?.publicKey : crypto.verifyingKey(own);
    if (key === undefined || !key.isP256)
      throw new FatalAlert('unsupported_certificate', 'The client has no P-256 key');
    this.#clientKey = key;
    this.#identity = { kind: type, name: verdict.name };
    this.#order.expect(provenKeyExchange);
  }

  #keyExchange(body: Uint8Array): void {
    const { crypto } = this.#context.options;
    const { keyExchange } = this.#suite;
    const { pskIdentity, publicKey } = decodeClientKeyExchange(body, keyExchange);
    const shared = this.#share?.agree(publicKey);
    if (this.#share !== undefined && shared === undefined) {
      throw new FatalAlert('illegal_parameter', 'The client has sent no valid public key');
    }
    const premaster =
      keyExchange === 'ecdhe_ecdsa' ? shared : pskPremasterSecret(this.#preSharedKey(pskIdentity), shared);
    if (premaster === undefined) throw new FatalAlert('internal_error', 'The key exchange has no result');
    this.#master = masterSecret(
      crypto,
      premaster,
      this.#agreement.extendedMasterSecret
        ? { extended: true, sessionHash: this.#context.transcript.hash() }
        : { extended: false, clientRandom: this.#hello.random, serverRandom: this.#random },
    );
    this.#protections = this.#makeProtections();
  }

  #preSharedKey(identity: Uint8Array): Uint8Array {
    const found = this.#credentials.preSharedKey?.(identity);
    if (found === undefined || !(this.#agreement.extendedMasterSecret || found.allowLegacyMasterSecret)) {
      return this.#context.options.crypto.randomBytes(16);
    }
    this.#identity = { kind: 'psk', name: found.name };
    return found.key;
  }

  #certificateVerify(body: Uint8Array): void {
    const signature = decodeCertificateVerify(body);
    if (this.#clientKey?.verify(this.#context.transcript.bytes(), signature) !== true) {
      throw new FatalAlert('decrypt_error', 'The client does not hold the key of its certificate');
    }
  }

  #finish(now: Instant): void {
    const { channel } = this.#context;
    if (this.#choice === undefined) channel.finish();
    else {
      const { tickets, wallClock } = this.#context.options;
      const session = {
        cipherSuite: this.#suite.id,
        masterSecret: this.#master,
        identity: this.#identity,
        createdMs: wallClock(),
      };
      if (this.#sessionId.length > 0) this.#sessions.set(this.#sessionId, session);
      if (this.#willSendTicket && tickets !== undefined) {
        const ticket = { lifetimeSeconds: tickets.lifetimeSeconds, ticket: tickets.seal(session, session.createdMs) };
        channel.add('new_session_ticket', encodeNewSessionTicket(ticket));
      }
      this.#protectWrites();
      addFinished(this.#context, this.#master, 'server');
      channel.send(now, true);
    }
    const { extendedMasterSecret, returnRoutability } = this.#agreement;
    this.#context.established(
      {
        suite: this.#suite,
        identity: this.#identity,
        resumed: this.#choice === undefined,
        extendedMasterSecret,
        returnRoutability,
        sessionId: this.#isFromTicket ? emptyBytes : this.#sessionId,
        clientSession: undefined,
      },
      this.#keys.keys,
      now,
    );
  }

  #makeProtections(): Protections {
    return protections(this.#context.options.crypto, this.#suite, this.#master, this.#hello.random, this.#random);
  }

  get #keys(): Protections {
    if (this.#protections === undefined) throw new FatalAlert('internal_error', 'There are no keys yet');
    return this.#protections;
  }

  #protectWrites(): void {
    this.#context.layer.protectWrites(this.#keys.server, this.#agreement.peerCid ?? emptyBytes);
  }
}
