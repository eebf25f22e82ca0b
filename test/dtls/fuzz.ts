/**
 * Throws datagrams at a server endpoint in all states: real ones of handshakes and associations, spoiled ones, random ones, from
 * several addresses, time passing between them. Nothing may throw, everything stays within its bounds, nothing is heard that was
 * not said, and when all is over nothing is left.
 *
 *     node test/dtls/fuzz.ts [datagrams] [seed]
 */
import { utf8 } from '../../src/core/bytes.ts';
import { milliseconds, minutes } from '../../src/core/duration.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { Chance } from '../fuzz/chance.ts';
import { mutate } from '../fuzz/mutator.ts';
import { certificateClient, certificateServer, rawKeyClient } from './certificates.ts';
import { Link, pskClient, type InFlight } from './link.ts';

const limits = { ...defaultDtlsLimits, maxAssociations: 20, maxHandshakes: 10, maxSessions: 20, maxMessageBytes: 4096 };
const credentials = [pskClient, certificateClient, rawKeyClient] as const;

/** A phrase that only an honest client says. */
const said = 'said by who may';

export interface FuzzOutcome {
  readonly datagrams: number;
  readonly established: number;
  readonly heard: number;
  readonly dropped: number;
}

/** @throws Error where something that must not be, is. */
export function fuzzDtls(datagrams: number, seed: number): FuzzOutcome {
  const chance = new Chance(seed);
  let link = open();
  const outcome = { datagrams: 0, established: 0, heard: 0, dropped: 0 };
  const seen: Uint8Array[] = [];

  function open(): Link {
    const server = { server: certificateServer, cipherSuites, limits, connectionId: { length: 4, node: 1 } };
    const made = new Link({
      server: { ...server, tickets: new TicketKeys(nodeCrypto, 3_600_000) },
      client: { cipherSuites },
    });
    made.mangle = spoil;
    return made;
  }

  /** Honest datagrams mostly get through, with spoiled copies before and after. */
  function spoil(datagram: InFlight): InFlight[] {
    seen.push(datagram.bytes);
    if (seen.length > 200) seen.shift();
    const out = chance.oneIn(4) ? [] : [datagram];
    for (let copies = chance.below(4); copies > 0; copies--) {
      const other = chance.pick(seen) ?? datagram.bytes;
      const bytes = chance.oneIn(10) ? chance.bytes(chance.below(200)) : mutate(datagram.bytes, chance, other);
      out.push({ ...datagram, bytes, from: chance.oneIn(3) ? `elsewhere-${chance.below(5)}` : datagram.from });
      outcome.datagrams++;
    }
    return out;
  }

  while (outcome.datagrams < datagrams) {
    link.clientAddress = `client-${chance.below(8)}`;
    const endpoint = link.connect(chance.pick(credentials) ?? pskClient);
    link.run();
    link.advance(milliseconds(chance.below(5000)));
    for (let i = chance.below(6); i > 0; i--) {
      link.client.engine.send([{ bytes: utf8(said), endpoint, multicast: false }], link.now);
      link.run();
    }
    check(link);
    if (!chance.oneIn(20)) continue;
    link.mangle = () => [];
    link.advance(minutes(30));
    outcome.established += link.server.of('established').length;
    outcome.heard += link.server.received.length;
    const { handshakes, timers, reassemblyBytes, droppedRecords } = link.server.engine.counters();
    outcome.dropped += droppedRecords;
    if (handshakes + timers + reassemblyBytes > 0)
      throw new Error(`something is left: ${handshakes} ${timers} ${reassemblyBytes}`);
    link = open();
  }
  return outcome;
}

function check(link: Link): void {
  const { associations, handshakes, sessions, reassemblyBytes } = link.server.engine.counters();
  const within =
    associations <= limits.maxAssociations &&
    handshakes <= limits.maxHandshakes &&
    sessions <= limits.maxSessions &&
    reassemblyBytes <= limits.maxHandshakes * 2 * limits.maxMessageBytes;
  if (!within) throw new Error(`beyond its bounds: ${associations} ${handshakes} ${sessions} ${reassemblyBytes}`);
  const wrong = link.server.received.find(({ text }) => text !== said);
  if (wrong !== undefined) throw new Error(`heard what nobody said: ${wrong.text}`);
  for (const { result } of link.server.of('established')) {
    if (!['lamp', 'client'].includes(result.identity.name)) throw new Error(`let in ${result.identity.name}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  const [datagrams = '100000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
  console.log(`seed ${seed}`, fuzzDtls(Number(datagrams), Number(seed)));
}
