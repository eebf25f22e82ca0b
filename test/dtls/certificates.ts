/** The certificates of test/vectors/pki, and credentials with them. */
import { X509Certificate, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ClientCredentials, OwnCertificate, ServerCredentials, Verdict } from '../../src/dtls/credentials.ts';
import { validatePath, type PathOptions } from '../../src/dtls/certificate-path.ts';
import { nodeCrypto, signingKey } from '../../src/dtls/crypto.ts';
import type { ParsedCertificate } from '../../src/dtls/primitives.ts';
import { hex } from '../../src/core/bytes.ts';
import { pskServer } from './link.ts';

const folder = new URL('../vectors/pki/', import.meta.url);
export const pkiFile = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
export const derOf = (pem: string): Uint8Array =>
  new Uint8Array(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
export const certificateOf = (name: string): Uint8Array =>
  new Uint8Array(new X509Certificate(pkiFile(`${name}.pem`)).raw);
const spkiOf = (name: string): Uint8Array =>
  new Uint8Array(createPublicKey(pkiFile(`${name}.key`)).export({ type: 'spki', format: 'der' }));

export const ownCertificate = (name: string, ...chain: readonly string[]): OwnCertificate => ({
  type: 'x509',
  payload: [certificateOf(name), ...chain.map(certificateOf)],
  signingKey: signingKey(pkiFile(`${name}.key`)),
});
export const ownRawKey = (name: string): OwnCertificate => ({
  type: 'raw_public_key',
  payload: [spkiOf(name)],
  signingKey: signingKey(pkiFile(`${name}.key`)),
});

export function parsed(name: string): ParsedCertificate {
  const certificate = nodeCrypto.parseCertificate(certificateOf(name));
  if (certificate === undefined) throw new Error(`${name} cannot be read`);
  return certificate;
}

/** When tests are: between the making and the end of the certificates. */
export const testTimeMs: number = Date.UTC(2030, 0, 1);

export const pathOptions = (usage: PathOptions['usage']): PathOptions => ({
  crypto: nodeCrypto,
  anchors: [parsed('root')],
  revocationLists: [],
  usage,
  nowMs: testTimeMs,
});

/** Certificates below the root; raw keys of `known`. */
export function verifier(
  usage: PathOptions['usage'],
  known: readonly string[],
): (presented: { type: OwnCertificate['type']; payload: readonly Uint8Array[] }) => Verdict {
  return ({ type, payload }) => {
    if (type === 'raw_public_key') {
      const shown = hex(payload[0] ?? new Uint8Array());
      const name = known.find((name) => hex(spkiOf(name)) === shown);
      return name === undefined
        ? { accepted: false, alert: 'certificate_unknown', reason: 'The key is not known' }
        : { accepted: true, name };
    }
    const result = validatePath(payload, pathOptions(usage));
    return result.accepted ? { accepted: true, name: result.leaf.commonName ?? '' } : result;
  };
}

/** Takes everything: PSK, certificates and raw keys. */
export const certificateServer: ServerCredentials = {
  ...pskServer,
  certificates: [ownCertificate('server'), ownRawKey('server')],
  clientCertificates: {
    types: ['x509', 'raw_public_key'],
    required: true,
    verify: verifier('client', ['client']),
  },
};

export const certificateClient: ClientCredentials = {
  certificate: ownCertificate('client'),
  serverCertificates: { types: ['x509'], verify: verifier('server', []) },
};

export const rawKeyClient: ClientCredentials = {
  certificate: ownRawKey('client'),
  serverCertificates: { types: ['raw_public_key'], verify: verifier('server', ['server']) },
};
