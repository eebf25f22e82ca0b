/**
 * Throws datagrams at both ends of DTLS in all states: real ones of handshakes and associations, spoiled ones, random ones, from
 * several addresses, time passing between them; what is spoiled before it is protected, under keys that are good; and
 * handshakes of a client whose hello says anything and whose keys are right. Nothing may throw, everything stays within its
 * bounds, nothing is heard that was not said, and when all is over nothing is left.
 *
 *     node test/dtls/fuzz.ts [datagrams] [seed]
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { emptyBytes, textOf, utf8 } from '../../src/core/bytes.ts';
import { milliseconds, minutes } from '../../src/core/duration.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import type { Aead, Crypto } from '../../src/dtls/primitives.ts';
import { unwrapInner } from '../../src/dtls/record-protection.ts';
import type { ClientSession } from '../../src/dtls/session.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { Chance } from '../fuzz/chance.ts';
import { mutate } from '../fuzz/mutator.ts';
import { bytesOf } from './bytes.ts';
import { certificateClient, certificateServer, rawKeyClient } from './certificates.ts';
import { Link, psk, pskClient, pskIdentity, type InFlight } from './link.ts';
import { plainHello, Puppet } from './puppet.ts';

const limits = { ...defaultDtlsLimits, maxAssociations: 20, maxHandshakes: 10, maxSessions: 20, maxMessageBytes: 4096 };
/** PSK mostly: it costs a tenth of the others. */
const credentials = [pskClient, pskClient, pskClient, pskClient, certificateClient, rawKeyClient] as const;
const pskSuites = [0xc0a8, 0xc0a4, 0x00a8] as const;

/** A phrase that only an honest client says. */
const said = 'said by who may';

/** What a client may say of itself, by the numbers of extensions. */
const extensions: readonly (readonly [number, string])[] = [
  [1, '01'],
  [10, '0004 001d 0017'],
  [11, '0100'],
  [13, '0002 0403'],
  [19, '0102'],
  [20, '0102'],
  [22, ''],
  [28, '0200'],
  [35, ''],
  [54, '03 0a0b0c'],
  [61, ''],
  [0xff01, '00'],
  [0xfafa, '00'],
];

export interface FuzzOutcome {
  /** That were spoiled, or made up. */
  datagrams: number;
  /** Handshakes that a server took to their end. */
  established: number;
  heard: number;
  dropped: number;
  /** Contents that were spoiled and then protected with good keys. */
  lies: number;
}

class DtlsFuzzer {
  readonly outcome: FuzzOutcome = { datagrams: 0, established: 0, heard: 0, dropped: 0, lies: 0 };
  readonly #chance: Chance;
  readonly #seen: Uint8Array[] = [];
  /** What a liar may have made the other end hear. */
  readonly #lies = new Set<string>();
  readonly #tickets = new TicketKeys(nodeCrypto, 3_600_000);
  #sessions: ClientSession[] = [];
  #link: Link;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#link = this.#open();
  }

  /** @throws Error where something that must not be, is. */
  run(datagrams: number): FuzzOutcome {
    while (this.outcome.datagrams < datagrams) {
      if (this.#chance.oneIn(4)) this.#puppet();
      else this.#associate();
      this.#check();
      if (this.#chance.oneIn(40)) this.#settle();
    }
    return this.outcome;
  }

  #open(): Link {
    const withCid = this.#chance.oneIn(4) ? undefined : { length: 4, node: 1 };
    const options = { cipherSuites, crypto: this.#lying(nodeCrypto) };
    const server = { server: certificateServer, limits, connectionId: withCid, tickets: this.#tickets };
    const link = new Link({
      server: { ...options, ...server },
      client: { ...options, connectionId: this.#chance.oneIn(2) ? withCid : undefined },
    });
    link.mangle = (datagram) => this.#spoil(datagram);
    return link;
  }

  /** A handshake of two honest ends with a bad line between them, and what they say after it. */
  #associate(): void {
    const link = this.#link;
    const chance = this.#chance;
    link.clientAddress = `client-${chance.below(8)}`;
    const endpoint = link.connect(chance.pick(credentials), chance.oneIn(3) ? chance.pick(this.#sessions) : undefined);
    link.run();
    link.advance(milliseconds(chance.below(5000)));
    for (let i = chance.below(8); i > 0; i--) {
      if (chance.oneIn(4)) link.clientAddress = `client-${chance.below(8)}`;
      link.client.engine.send([{ bytes: utf8(said), endpoint, multicast: false }], link.now);
      link.run();
      const heard = link.server.received.at(-1)?.endpoint;
      if (heard !== undefined && chance.oneIn(2))
        link.server.engine.send([{ bytes: utf8(said), endpoint: heard, multicast: false }], link.now);
      link.run();
    }
    const session = link.client.of('established').at(-1)?.result.clientSession;
    if (session !== undefined) this.#sessions = [session, ...this.#sessions.slice(0, 3)];
  }

  /** Honest datagrams mostly get through, with spoiled copies before and after; many of those that end no handshake. */
  #spoil(datagram: InFlight): InFlight[] {
    const chance = this.#chance;
    this.#seen.push(datagram.bytes);
    if (this.#seen.length > 200) this.#seen.shift();
    const out = chance.oneIn(4) ? [] : [datagram];
    const isProtected = datagram.bytes[4] === 1;
    for (let copies = chance.below(isProtected ? 30 : 4); copies > 0; copies--) {
      const other = chance.pick(this.#seen) ?? datagram.bytes;
      const bytes = chance.oneIn(20) ? chance.bytes(chance.below(200)) : mutate(datagram.bytes, chance, other);
      out.push({ ...datagram, bytes, from: chance.oneIn(3) ? `elsewhere-${chance.below(5)}` : datagram.from });
      this.outcome.datagrams++;
    }
    return out;
  }

  /** A client that says anything of itself, has the right key, and then says anything at all. */
  #puppet(): void {
    const chance = this.#chance;
    const puppet = new Puppet(this.#link.server);
    puppet.now = this.#link.now;
    puppet.address = `puppet-${chance.below(3)}`;
    const offered = extensions.filter(() => chance.oneIn(3));
    const spoiled = offered.map(([type, data]): [number, Uint8Array] => [type, this.#perhaps(bytesOf(data), 8)]);
    puppet.greet({
      ...plainHello,
      random: chance.bytes(32),
      sessionId: chance.oneIn(4) ? chance.bytes(chance.below(33)) : emptyBytes,
      cipherSuites: [chance.pick(pskSuites)],
      extensions: new Map([[23, emptyBytes], ...spoiled]),
    });
    this.outcome.datagrams += 2;
    if (puppet.serverHello === undefined) return;
    const identity = utf8(pskIdentity);
    puppet.say('client_key_exchange', this.#perhaps(Uint8Array.of(0, identity.length, ...identity), 10));
    puppet.keys(psk);
    const cid = puppet.serverHello.extensions.get(54)?.subarray(1) ?? emptyBytes;
    puppet.layer.protectWrites(puppet.protection('client'), cid);
    puppet.changeCipherSpec();
    puppet.finished();
    for (let i = chance.below(30); i > 0; i--) {
      const said = chance.pick([20, 21, 22, 22, 23, 25, 27, 26, chance.below(256)]);
      const content = this.#perhaps(chance.pick(this.#seen)?.subarray(13) ?? emptyBytes, 2).subarray(0, 400);
      this.#lied(content);
      const sealed = puppet.layer.seal(1, said, content);
      if (sealed !== undefined) puppet.raw(sealed);
      this.outcome.datagrams++;
      this.outcome.lies++;
    }
  }

  #perhaps(bytes: Uint8Array, times: number): Uint8Array {
    return this.#chance.oneIn(times) ? mutate(bytes, this.#chance, this.#chance.pick(this.#seen) ?? bytes) : bytes;
  }

  /** Encrypts now and then something other than it was given. */
  #lying(crypto: Crypto): Crypto {
    const spoiled = (plaintext: Uint8Array): Uint8Array => {
      if (!this.#chance.oneIn(12) || plaintext.length === 0) return plaintext;
      const lie = Uint8Array.from(plaintext);
      lie.set(mutate(plaintext, this.#chance, this.#chance.pick(this.#seen) ?? plaintext).subarray(0, lie.length));
      this.#lied(lie);
      this.outcome.lies++;
      return lie;
    };
    const liar = (aead: Aead): Aead => ({
      tagLength: aead.tagLength,
      open: (nonce, aad, sealed) => aead.open(nonce, aad, sealed),
      seal: (nonce, aad, plaintext, into, at) => aead.seal(nonce, aad, spoiled(plaintext), into, at),
    });
    return {
      ...crypto,
      aesCcm: (key, tagLength) => liar(crypto.aesCcm(key, tagLength)),
      aesGcm: (key) => liar(crypto.aesGcm(key)),
      aesCbcEncrypt: (key, iv, blocks) => crypto.aesCbcEncrypt(key, iv, spoiled(blocks)),
    };
  }

  /** All that the other end may make of it, with padding of CBC and of Connection IDs or without. */
  #lied(plaintext: Uint8Array): void {
    const unpadded = plaintext.subarray(0, Math.max(0, plaintext.length - 1 - (plaintext.at(-1) ?? 0)));
    for (const content of [plaintext, unpadded])
      for (const one of [content, unwrapInner(content)?.content ?? content]) this.#lies.add(textOf(one) ?? '?');
  }

  #check(): void {
    for (const host of [this.#link.server, this.#link.client]) {
      const { associations, handshakes, sessions, reassemblyBytes } = host.engine.counters();
      const within =
        host === this.#link.client ||
        (associations <= limits.maxAssociations &&
          handshakes <= limits.maxHandshakes &&
          sessions <= limits.maxSessions &&
          reassemblyBytes <= limits.maxHandshakes * 2 * limits.maxMessageBytes);
      if (!within) throw new Error(`beyond its bounds: ${associations} ${handshakes} ${sessions} ${reassemblyBytes}`);
      const wrong = host.received.find(({ text }) => text !== said && !this.#lies.has(text));
      if (wrong !== undefined) throw new Error(`heard what nobody said: ${wrong.text}`);
    }
    for (const { result } of this.#link.server.of('established')) {
      if (!['lamp', 'client'].includes(result.identity.name)) throw new Error(`let in ${result.identity.name}`);
    }
  }

  /** Nothing gets through any more, until both have given up; then all is new. */
  #settle(): void {
    const link = this.#link;
    link.mangle = () => [];
    link.advance(minutes(30));
    this.outcome.established += link.server.of('established').length;
    this.outcome.heard += link.server.received.length;
    for (const host of [link.server, link.client]) {
      const { handshakes, timers, reassemblyBytes, droppedRecords } = host.engine.counters();
      this.outcome.dropped += droppedRecords;
      if (handshakes + timers + reassemblyBytes > 0)
        throw new Error(`something is left: ${handshakes} ${timers} ${reassemblyBytes}`);
    }
    this.#lies.clear();
    this.#link = this.#open();
  }
}

export const fuzzDtls = (datagrams: number, seed: number): FuzzOutcome => new DtlsFuzzer(seed).run(datagrams);

if (process.argv[1] === import.meta.filename) {
  const [datagrams = '2000000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
  /** Heap that may stay behind: V8's own and OpenSSL's objects that wait for their collection. */
  const allowedGrowthBytes = 8 << 20;
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const heapBytes = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  console.log(`seed ${seed}, ${datagrams} datagrams`);
  const started = Date.now();
  const fuzzer = new DtlsFuzzer(Number(seed));
  fuzzer.run(Math.min(100_000, Number(datagrams) / 2));
  const before = heapBytes();
  const outcome = fuzzer.run(Number(datagrams));
  const growth = heapBytes() - before;
  console.log(`${((Date.now() - started) / 1000).toFixed(1)} s, nothing found`, outcome);
  console.log(`heap ${(growth / 1e6).toFixed(2)} MB more than after the first hundred thousand`);
  if (growth > allowedGrowthBytes) process.exitCode = 1;
}
