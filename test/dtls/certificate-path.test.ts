import { describe, expect, test } from 'vitest';
import { validatePath, type PathOptions, type PathResult } from '../../src/dtls/certificate-path.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { certificateUse } from '../../src/dtls/certificate-extensions.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { parseRevocationList, type RevocationList } from '../../src/dtls/revocation-list.ts';
import { certificateOf, derOf, parsed, pathOptions, pkiFile, testTimeMs } from './certificates.ts';

function revocationList(): RevocationList {
  const list = parseRevocationList(derOf(pkiFile('root.crl')));
  if (list === undefined) throw new Error('the list cannot be read');
  return list;
}

const serialOf = (name: string): string => certificateUse(certificateOf(name))?.serialNumber ?? 'it cannot be read';

/** A certificate of which the bytes `from` stand as `to`, of the same length. */
function spoiled(name: string, from: string, to: string): Uint8Array {
  const der = Buffer.from(certificateOf(name)).toString('hex');
  if (!der.includes(from)) throw new Error(`${name} has no ${from}`);
  return new Uint8Array(Buffer.from(der.replace(from, to), 'hex'));
}

const check = (chain: readonly string[], options: Partial<PathOptions> = {}): PathResult =>
  validatePath(chain.map(certificateOf), { ...pathOptions('client'), ...options });
const alertOf = (result: PathResult): string => (result.accepted ? 'accepted' : result.alert);

describe('a path (RFC 5280 §6) is good', () => {
  test.each([
    ['from a leaf to the root', ['client']],
    ['over an authority in between', ['device', 'devices']],
    ['whatever else is sent along, in any order', ['device', 'stranger', 'devices']],
    ['where the leaf says nothing about its use', ['any-use']],
  ])('%s', (_, chain) => {
    const result = check(chain);
    expect(result).toMatchObject({ accepted: true });
    expect(result.accepted && result.leaf.commonName).toBe(chain[0]);
  });
  test('where the leaf itself is trusted', () => {
    expect(check(['stranger'], { anchors: [parsed('stranger')] })).toMatchObject({ accepted: true });
  });
  test('from an authority in between that is trusted itself', () => {
    expect(check(['device'], { anchors: [parsed('devices')] })).toMatchObject({ accepted: true });
  });
});

describe('a path is refused', () => {
  test.each([
    ['to an authority that is not trusted', ['stranger'], 'unknown_ca'],
    ['with an authority missing', ['device'], 'unknown_ca'],
    ['that is empty', [], 'bad_certificate'],
    ['of a server where a client is wanted', ['server'], 'unsupported_certificate'],
    ['with a key that is not meant to sign', ['no-signature'], 'unsupported_certificate'],
    ['with a critical extension that is not understood', ['strange'], 'unsupported_certificate'],
    ['over a certificate that is no authority', ['impostor', 'client'], 'unknown_ca'],
    ['over one that may sign certificates and is not marked as an authority', ['under', 'unmarked'], 'bad_certificate'],
    ['that goes in a circle', ['stranger', 'other-root', 'other-root'], 'unknown_ca'],
    ['longer than an authority allows', ['too-deep', 'below', 'devices'], 'bad_certificate'],
    ['that SHA-1 holds together (SLOTH, RFC 9155)', ['weak'], 'bad_certificate'],
  ])('%s', (_, chain, alert) => {
    expect(alertOf(check(chain))).toBe(alert);
  });
  test('of a client where a server is wanted', () => {
    expect(alertOf(check(['client'], { usage: 'server' }))).toBe('unsupported_certificate');
  });
  test('before and after its time', () => {
    const { notBeforeMs, notAfterMs } = parsed('client');
    expect(alertOf(check(['client'], { nowMs: notBeforeMs - 1000 }))).toBe('certificate_expired');
    expect(alertOf(check(['client'], { nowMs: notAfterMs + 1000 }))).toBe('certificate_expired');
    expect(alertOf(check(['client'], { nowMs: testTimeMs }))).toBe('accepted');
  });
  test('whose time cannot be read, also where it is trusted itself', () => {
    const der = certificateOf('client');
    const time = /\d{14}Z/.exec(Buffer.from(der).toString('latin1'))?.index;
    if (time === undefined) throw new Error('no GeneralizedTime');
    der.set(utf8('x'), time);
    const trusted = nodeCrypto.parseCertificate(der);
    if (trusted === undefined) throw new Error('it cannot be read at all');
    expect(alertOf(validatePath([der], { ...pathOptions('client'), anchors: [trusted] }))).toBe('certificate_expired');
  });
  test('with extensions that are not well-formed, also where it is trusted itself', () => {
    const der = certificateOf('client');
    // The outer tag of keyUsage: SEQUENCE becomes something else.
    const at = Buffer.from(der).indexOf(Buffer.from('0603551d0f', 'hex')) - 2;
    const spoiled = der.map((byte, i) => (i === at ? 0x31 : byte));
    expect(certificateUse(der)?.digitalSignature).toBe(true);
    expect(certificateUse(spoiled)).toBeUndefined();
  });
  test.each([
    ['an extended key usage that cannot be read', '0603551d25040c300a', '0603551d25040c310a'],
    ['bits of a key usage that are not used and set', '03020780', '03020781'],
    ['one extension twice', '0603551d0e', '0603551d0f'],
  ])('with %s, also where it is trusted itself', (_, from, to) => {
    const der = spoiled('client', from, to);
    const anchor = nodeCrypto.parseCertificate(der);
    if (anchor === undefined) throw new Error('it cannot be read at all');
    expect(alertOf(validatePath([der], { ...pathOptions('client'), anchors: [anchor] }))).toBe('bad_certificate');
  });
  test.each([
    ['negative', '0201ff'],
    ['no number', '040100'],
  ])('below an authority whose path length is %s', (_, length) => {
    expect(certificateUse(certificateOf('devices'))?.maxPathLength).toBe(0);
    expect(certificateUse(spoiled('devices', '30060101ff020100', `30060101ff${length}`))).toBeUndefined();
  });
  test('in another form than DER, or with something behind it', () => {
    const der = certificateOf('client');
    const others = [utf8(pkiFile('client.pem')), Uint8Array.of(...der, 0)];
    for (const other of others) expect(alertOf(validatePath([other], pathOptions('client')))).toBe('bad_certificate');
  });
  test('of another host', () => {
    const of = (host: string): string => alertOf(check(['server'], { usage: 'server', host }));
    expect(['gateway.example', '127.0.0.1', 'other.example', '127.0.0.2', 'server'].map(of)).toEqual([
      'accepted',
      'accepted',
      'bad_certificate',
      'bad_certificate',
      'bad_certificate', // a common name is no host name
    ]);
  });
  test('that cannot be read', () => {
    expect(alertOf(validatePath([Uint8Array.of(1, 2, 3)], pathOptions('client')))).toBe('bad_certificate');
  });
  test('of which any byte was changed', { timeout: 60_000 }, () => {
    const der = certificateOf('client');
    for (let at = 0; at < der.length; at++) {
      const changed = der.map((byte, i) => (i === at ? byte ^ 0x01 : byte));
      expect(alertOf(validatePath([changed], pathOptions('client')))).not.toBe('accepted');
    }
  });
});

describe('a revocation list (RFC 5280 §5)', () => {
  test('names what its authority has taken back', () => {
    const list = revocationList();
    expect([...list.serialNumbers]).toEqual([serialOf('revoked')]);
    expect(list.signedBy(parsed('root'))).toBe(true);
    expect(list.signedBy(parsed('other-root'))).toBe(false);
  });
  test('refuses that, and nothing else', () => {
    const options = { revocationLists: [revocationList()] };
    expect(alertOf(check(['revoked']))).toBe('accepted');
    expect(alertOf(check(['revoked'], options))).toBe('certificate_revoked');
    expect(alertOf(check(['client'], options))).toBe('accepted');
    expect(alertOf(check(['device', 'devices'], options))).toBe('accepted');
  });
  test('of another authority says nothing of the same serial number', () => {
    const serialNumbers = new Set([serialOf('client')]);
    const by = (name: string): RevocationList => ({
      serialNumbers,
      signedBy: (authority) => authority.subject === `CN=${name}`,
    });
    expect(alertOf(check(['client'], { revocationLists: [by('other-root')] }))).toBe('accepted');
    expect(alertOf(check(['client'], { revocationLists: [by('other-root'), by('root')] }))).toBe('certificate_revoked');
  });
  test('that was changed counts for nothing', () => {
    const der = derOf(pkiFile('root.crl'));
    for (let at = 0; at < der.length; at += 3) {
      const list = parseRevocationList(der.map((byte, i) => (i === at ? byte ^ 0x01 : byte)));
      if (list !== undefined) expect(list.signedBy(parsed('root'))).toBe(false);
    }
  });
  test('of which a part cannot be read is none, and not shorter', () => {
    const list = derOf(pkiFile('root.crl'));
    const at = Buffer.from(list).indexOf(Buffer.from(serialOf('revoked'), 'hex')) - 3;
    // The length of the entry, or of what stands around it.
    const longer = list.map((byte, i) => (i === at ? byte + 1 : byte));
    expect(parseRevocationList(list)?.serialNumbers.size).toBe(1);
    expect(parseRevocationList(longer)).toBeUndefined();
  });
  test('that is none is told', () => {
    expect(parseRevocationList(Uint8Array.of(0x30, 0x03, 2, 1, 0))).toBeUndefined();
    expect(parseRevocationList(certificateOf('root').subarray(0, 40))).toBeUndefined();
  });
});
