import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIpv4, isIpv6 } from '../../../src/coap/codec/ip-literal.ts';

describe('an IP address is told from a host name', () => {
  it.each(['0.0.0.0', '127.0.0.1', '255.255.255.255'])('%s is IPv4', (text) => {
    expect(isIpv4(text)).toBe(true);
  });

  it.each(['256.0.0.1', '1.2.3', '1.2.3.4.', '1.2.3.4.5', '01.2.3.4', 'a.b.c.d', ''])('%s is not IPv4', (text) => {
    expect(isIpv4(text)).toBe(false);
  });

  it.each(['::', '::1', '1::', 'fe80::1', '1:2:3:4:5:6:7:8', '::ffff:127.0.0.1', '1:2:3:4:5:6:1.2.3.4'])(
    '%s is IPv6',
    (text) => {
      expect(isIpv6(text)).toBe(true);
    },
  );

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    '::1.2.3.4:1',
    '1.2.3.4',
    'fe80::1%lo',
  ])('%s is not IPv6', (text) => {
    expect(isIpv6(text)).toBe(false);
  });

  it('as the system tells it', () => {
    const nearly = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '::', '.', '25'), maxLength: 24 }),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        expect([isIpv4(text), isIpv6(text)]).toEqual([isIP(text) === 4, isIP(text) === 6]);
      }),
      { numRuns: 3000 },
    );
  });
});
