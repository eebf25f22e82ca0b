/**
 * A client that does what a test says, message by message, with our codecs and nothing of our handshake: to say what no honest
 * client says, and to see every message of the server as it came.
 */
import { concatBytes, emptyBytes } from '../../src/core/bytes.ts';
import { decodeAlert, type AlertDescription } from '../../src/dtls/alert.ts';
import { cipherSuiteOf, type CipherSuite } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import {
  decodeFragments,
  encodeHandshake,
  handshakeTypeOf,
  type HandshakeMessage,
  type HandshakeType,
} from '../../src/dtls/handshake-message.ts';
import {
  keyBlock,
  masterSecret,
  pskPremasterSecret,
  recordProtection,
  verifyData,
  type Side,
} from '../../src/dtls/key-schedule.ts';
import { encodeClientHello, nullCompression, type ClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeHelloVerifyRequest } from '../../src/dtls/messages/hello-verify-request.ts';
import { decodeServerHello, type ServerHello } from '../../src/dtls/messages/server-hello.ts';
import { contentType, decodeRecords, dtls12 } from '../../src/dtls/record.ts';
import type { RecordProtection } from '../../src/dtls/record-protection.ts';
import { RecordLayer } from '../../src/dtls/record-layer.ts';
import { vector } from '../../src/dtls/presentation.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { endpointOf, Host, pskServer } from './link.ts';
import type { DtlsOptions } from '../../src/dtls/options.ts';
import type { Instant } from '../../src/core/duration.ts';

/** By number, as a puppet may say anything. */
export const extension = { extendedMasterSecret: 23, connectionId: 54, renegotiationInfo: 0xff01 } as const;

export const plainHello: ClientHello = {
  version: dtls12,
  random: new Uint8Array(32).fill(0x11),
  sessionId: emptyBytes,
  cookie: emptyBytes,
  cipherSuites: [0xc0a8],
  compressionMethods: nullCompression,
  extensions: new Map([[extension.extendedMasterSecret, emptyBytes]]),
};

export class Puppet {
  readonly server: Host;
  now: Instant = 1000 as Instant;
  readonly alerts: (AlertDescription | undefined)[] = [];
  readonly messages: HandshakeMessage[] = [];
  /** What came in epoch 1 and could be read. */
  readonly plaintexts: { readonly type: number; readonly content: Uint8Array }[] = [];
  readonly layer: RecordLayer = new RecordLayer();
  transcript: Uint8Array[] = [];
  sequence = 0;
  hello: ClientHello = plainHello;
  serverHello: ServerHello | undefined = undefined;
  master: Uint8Array = emptyBytes;
  address = 'puppet';

  /** @param server that others speak with too, or the options of a new one. */
  constructor(server: Host | Partial<DtlsOptions> = {}) {
    this.server = server instanceof Host ? server : new Host({ server: pskServer, ...server }, this.now);
  }

  /** Bytes to the server; what comes back is sorted into the lists. */
  raw(bytes: Uint8Array): void {
    this.server.receive(bytes, endpointOf(this.address, 'server'), this.now);
    for (const { bytes, endpoint } of this.server.engine.takeOutput())
      if (endpoint.remote.address === this.address) this.#hear(bytes);
  }

  record(epoch: 0 | 1, type: number, content: Uint8Array): void {
    const sealed = this.layer.seal(epoch, type, content);
    if (sealed === undefined) throw new Error('the puppet cannot send');
    this.raw(sealed);
  }

  /** A message in a record of its own. */
  say(type: HandshakeType, body: Uint8Array, epoch: 0 | 1 = 0): void {
    const bytes = encodeHandshake({ type, sequence: this.sequence++, body });
    this.transcript.push(bytes);
    this.record(epoch, contentType.handshake, bytes);
  }

  /** ClientHello, cookie, ClientHello: what the server answers is in `messages`. */
  greet(hello: ClientHello = plainHello): void {
    this.hello = hello;
    this.say('client_hello', encodeClientHello(hello));
    const request = this.messages.shift();
    if (request?.type !== 'hello_verify_request') throw new Error('no HelloVerifyRequest came');
    this.hello = { ...hello, cookie: decodeHelloVerifyRequest(request.body) };
    this.transcript = [];
    this.say('client_hello', encodeClientHello(this.hello));
  }

  get suite(): CipherSuite {
    const suite = cipherSuiteOf(this.serverHello?.cipherSuite ?? 0);
    if (suite === undefined) throw new Error('the server chose nothing');
    return suite;
  }

  get hash(): Uint8Array {
    return nodeCrypto.sha256(concatBytes(this.transcript));
  }

  pskKeyExchange(identity: string): void {
    this.say('client_key_exchange', vector(2, utf8(identity)));
  }

  /** Keys from a pre-shared key, as the transcript stands. */
  keys(key: Uint8Array, extended = true): void {
    const [clientRandom, serverRandom] = [this.hello.random, this.serverHello?.random ?? emptyBytes];
    this.master = masterSecret(
      nodeCrypto,
      pskPremasterSecret(key),
      extended ? { extended, sessionHash: this.hash } : { extended, clientRandom, serverRandom },
    );
    this.layer.protectWrites(this.protection('client'), emptyBytes);
    this.layer.protectReads(this.protection('server'), emptyBytes);
  }

  /** Of records that one side writes. */
  protection(side: Side): RecordProtection {
    const keys = keyBlock(
      nodeCrypto,
      this.suite.cipher,
      this.master,
      this.hello.random,
      this.serverHello?.random ?? emptyBytes,
    );
    return recordProtection(nodeCrypto, this.suite.cipher, keys[side]);
  }

  changeCipherSpec(): void {
    this.record(0, contentType.changeCipherSpec, Uint8Array.of(1));
  }

  finished(body: Uint8Array = verifyData(nodeCrypto, this.master, 'client', this.hash)): void {
    this.say('finished', body, 1);
  }

  get established(): boolean {
    return this.server.of('established').length > 0;
  }

  #hear(datagram: Uint8Array): void {
    for (const record of decodeRecords(datagram, 0)) {
      const opened = this.layer.open(record);
      if (opened === undefined) continue;
      const { type, content } = opened;
      if (record.epoch === 1) this.plaintexts.push({ type, content });
      if (type === contentType.alert) this.alerts.push(decodeAlert(content)?.description);
      if (type !== contentType.handshake) continue;
      for (const fragment of decodeFragments(content) ?? []) {
        const name = handshakeTypeOf(fragment.type);
        if (name === undefined) continue; // a server that lies, as the fuzzer's does
        const message = { type: name, sequence: fragment.sequence, body: fragment.bytes };
        this.messages.push(message);
        this.transcript.push(encodeHandshake(message));
        if (name === 'server_hello' && record.epoch === 0) this.serverHello = decodeServerHello(fragment.bytes);
      }
    }
  }
}
