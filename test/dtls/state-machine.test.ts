/**
 * All orders of messages that a client with the right keys can try, as learners of state machines do (Fiterau-Brostean et al.,
 * "Analysis of DTLS Implementations Using Protocol State Fuzzing", 2020; Beurdouche et al., "SMACK", 2015): one that leaves
 * a message out, repeats it or says it too early does not get in. A change_cipher_spec may overtake what stands before it.
 */
import { describe, expect, test } from 'vitest';
import { concatBytes, emptyBytes, utf8 } from '../../src/core/bytes.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { masterSecret, verifyData } from '../../src/dtls/key-schedule.ts';
import { encodeCertificate } from '../../src/dtls/messages/certificate.ts';
import { encodeCertificateVerify } from '../../src/dtls/messages/certificate-verify.ts';
import { encodeClientKeyExchange } from '../../src/dtls/messages/client-key-exchange.ts';
import { decodeServerKeyExchange } from '../../src/dtls/messages/server-key-exchange.ts';
import type { KeyShare } from '../../src/dtls/primitives.ts';
import { contentType } from '../../src/dtls/record.ts';
import { bytesOf } from './bytes.ts';
import { certificateOf, certificateServer, ownCertificate } from './certificates.ts';
import { Host, psk, pskIdentity, pskServer } from './link.ts';
import { plainHello, Puppet } from './puppet.ts';

type Words = Readonly<Record<string, (puppet: Puppet) => void>>;

/** What a client with a pre-shared key may say; its keys are those of what was said so far. */
const pskWords: Words = {
  'key': (puppet) => {
    puppet.pskKeyExchange(pskIdentity);
    puppet.keys(psk);
  },
  'ccs': (puppet) => puppet.changeCipherSpec(),
  'finished': (puppet) => {
    if (puppet.master.length === 0) puppet.keys(emptyBytes); // keys that anybody can make
    puppet.finished();
  },
  'plain finished': (puppet) => puppet.say('finished', verifyData(nodeCrypto, puppet.master, 'client', puppet.hash), 0),
  'certificate': (puppet) => puppet.say('certificate', encodeCertificate([], 'x509')),
  'data': (puppet) => {
    if (puppet.layer.writesProtected) puppet.record(1, contentType.applicationData, utf8('let me in'));
  },
};

const server = new Host({ server: pskServer }, 1000 as Puppet['now']);
let clients = 0;

/** Says the words one after the other; whether that opens the door. */
function opens(words: Words, said: readonly string[], puppet: Puppet): boolean {
  puppet.address = `client-${clients++}`;
  puppet.now = (1000 + clients * 20) as Puppet['now']; // fewer handshakes a second than the limit
  const before = [puppet.server.of('established').length, puppet.server.received.length];
  puppet.greet(puppet.hello);
  for (const word of said) words[word]?.(puppet);
  const [established = 0, heard = 0] = before;
  const opened = puppet.server.of('established').length > established;
  if (!opened) expect(puppet.server.received.length).toBe(heard);
  return opened;
}

/** All sequences of up to `length` words. */
const sequences = (words: readonly string[], length: number): string[][] =>
  length === 0
    ? [[]]
    : sequences(words, length - 1).flatMap((said) =>
        said.length === length - 1 ? [said, ...words.map((word) => [...said, word])] : [said],
      );

/** All orders of some of the words. */
const orders = (words: readonly string[]): string[][] => [
  [],
  ...words.flatMap((word) => orders(words.filter((other) => other !== word)).map((rest) => [word, ...rest])),
];

describe('of all that a client can say', () => {
  test('with a pre-shared key, in up to three messages, only the handshake gets in', { timeout: 60_000 }, () => {
    // Data before the end of a handshake is dropped, and a Finished waits for its change_cipher_spec.
    const isHandshake = (said: readonly string[]): boolean => {
      const [first, second] = said.filter((word) => word !== 'data' && word !== 'ccs');
      return first === 'key' && second === 'finished' && said.includes('ccs');
    };
    const all = sequences(Object.keys(pskWords), 3);
    expect(all).toHaveLength(1 + 6 + 36 + 216);
    expect(all.filter((said) => opens(pskWords, said, new Puppet(server)))).toEqual(all.filter(isHandshake));
  });

  test('with a certificate, in any order, only the handshake gets in', { timeout: 60_000 }, () => {
    const withCertificates = new Host({ server: certificateServer }, 1000 as Puppet['now']);
    const hello = {
      ...plainHello,
      cipherSuites: [0xc0ae],
      extensions: new Map([...plainHello.extensions, [10, bytesOf('0004 001d 0017')], [13, bytesOf('0002 0403')]]),
    };
    const { signingKey } = ownCertificate('client');
    const words: Words = {
      certificate: (puppet) => puppet.say('certificate', encodeCertificate([certificateOf('client')], 'x509')),
      key: (puppet) => {
        const share: KeyShare = nodeCrypto.keyShare('x25519');
        const body = puppet.messages.find(({ type }) => type === 'server_key_exchange')?.body ?? emptyBytes;
        const theirs = decodeServerKeyExchange(body, 'ecdhe_ecdsa').params?.publicKey ?? emptyBytes;
        const exchange = { pskIdentity: emptyBytes, publicKey: share.publicKey };
        puppet.say('client_key_exchange', encodeClientKeyExchange(exchange, 'ecdhe_ecdsa'));
        const premaster = share.agree(theirs) ?? emptyBytes;
        puppet.master = masterSecret(nodeCrypto, premaster, { extended: true, sessionHash: puppet.hash });
        puppet.layer.protectWrites(puppet.protection('client'), emptyBytes);
        puppet.layer.protectReads(puppet.protection('server'), emptyBytes);
      },
      verify: (puppet) =>
        puppet.say('certificate_verify', encodeCertificateVerify(signingKey.sign(concatBytes(puppet.transcript)))),
      ccs: (puppet) => puppet.changeCipherSpec(),
      finished: (puppet) => {
        if (!puppet.layer.writesProtected) puppet.keys(emptyBytes);
        puppet.finished();
      },
    };
    const all = orders(Object.keys(words));
    const opensIt = (said: readonly string[]): boolean => {
      const puppet = new Puppet(withCertificates);
      puppet.hello = hello;
      return opens(words, said, puppet);
    };
    expect(all.filter(opensIt)).toEqual(
      all.filter(
        (said) =>
          said.length === 5 && said.filter((word) => word !== 'ccs').join() === 'certificate,key,verify,finished',
      ),
    );
  });
});
