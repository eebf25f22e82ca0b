/** Published faults of other stacks with keys and certificates, each done to this one (docs/security.md). */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptyBytes } from '../../src/core/bytes.ts';
import { FatalAlert } from '../../src/dtls/alert.ts';
import type { Verdict } from '../../src/dtls/credentials.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { decodeServerKeyExchange } from '../../src/dtls/messages/server-key-exchange.ts';
import { bytesOf } from './bytes.ts';
import { certificateClient, certificateServer, ownCertificate } from './certificates.ts';
import { Link } from './link.ts';

const spkiOf = ({ publicKey }: { readonly publicKey: KeyObject }): Uint8Array =>
  new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));

/** Of whom this point is the generator, the private key is 1. */
function otherGenerator(): Uint8Array {
  const spki = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }));
  const generator = Buffer.from(spki).indexOf(Buffer.from('046b17d1f2e12c4247', 'hex'));
  spki.set(spki.slice(-65), generator);
  return spki;
}

/** Whom it is asked about. */
class Guard {
  readonly asked: unknown[] = [];
  readonly verify = (shown: unknown): Verdict => {
    this.asked.push(shown);
    return { accepted: true, name: 'x' };
  };
}

describe('a certificate', () => {
  describe.each([
    ['of RSA (CVE-2021-34558)', spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
    ['of Ed25519', spkiOf(generateKeyPairSync('ed25519'))],
    ['of P-384', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
    ['of P-256 with another generator (CVE-2020-0601, CVE-2022-0778)', otherGenerator()],
  ])('or raw key %s is refused, whosever it is', (_, spki) => {
    const { signingKey } = ownCertificate('client');
    const shown = { type: 'raw_public_key', payload: [spki], signingKey } as const;
    const types = ['raw_public_key'] as const;
    test('of a client', () => {
      const guard = new Guard();
      const clientCertificates = { types, required: true, verify: guard.verify };
      const link = new Link({ server: { server: { ...certificateServer, clientCertificates } } });
      link.establish({ ...certificateClient, certificate: shown });
      expect([guard.asked.length, link.server.of('failed').map(({ alert }) => alert)]).toEqual([
        1,
        ['unsupported_certificate'],
      ]);
    });
    test('of a server, before anybody is asked who it is', () => {
      const guard = new Guard();
      const link = new Link({ server: { server: { ...certificateServer, certificates: [shown] } } });
      link.establish({ serverCertificates: { types, verify: guard.verify } });
      expect([guard.asked, link.client.of('failed').map(({ alert }) => alert)]).toEqual([
        [],
        ['unsupported_certificate'],
      ]);
    });
  });
  test('of a stranger is not taken apart: the gateway knows its own by a hash of the bytes', () => {
    let parsed = 0;
    const crypto = {
      ...nodeCrypto,
      parseCertificate: (der: Uint8Array) => {
        parsed++;
        return nodeCrypto.parseCertificate(der);
      },
    };
    const verify = (): Verdict => ({ accepted: false, alert: 'certificate_unknown', reason: 'Nobody has it' });
    const clientCertificates = { types: ['x509'], required: true, verify } as const;
    const link = new Link({ server: { crypto, server: { ...certificateServer, clientCertificates } } });
    link.establish(certificateClient);
    expect([parsed, link.server.of('failed').map(({ alert }) => alert)]).toEqual([0, ['certificate_unknown']]);
  });
  test('of which the key exchange carries no signature is worth nothing (CVE-2021-34433)', () => {
    const of = (end: string): boolean | string => verified(bytesOf(`03 001d 20 ${'09'.repeat(32)} ${end}`));
    expect(['', '0403', '0000 0000', '0403 0000', '0403 0006 3006020100'].map(of)).toEqual([
      'decode_error',
      'decode_error',
      'illegal_parameter',
      false,
      'decode_error',
    ]);
  });
});

/** As a client does with what a server has signed. */
function verified(body: Uint8Array): boolean | string {
  const key = nodeCrypto.parseCertificate(ownCertificate('server').payload[0] ?? emptyBytes)?.publicKey;
  try {
    const { signature } = decodeServerKeyExchange(body, 'ecdhe_ecdsa');
    return key?.verify(body, signature ?? emptyBytes) ?? true;
  } catch (error) {
    if (error instanceof FatalAlert) return error.description;
    throw error;
  }
}
