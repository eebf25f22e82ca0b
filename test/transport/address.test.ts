import { describe, expect, test } from 'vitest';
import { isLinkLocal, isLoopback, isMulticast, normaliseAddress } from '../../src/transport/address.ts';
import { expandListen, localAddresses } from '../../src/transport/local-addresses.ts';
import { chooseLocal } from '../../src/transport/source-address.ts';

describe('an IP address', () => {
  test.each([
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is spelled %s', (given, spelled) => {
    expect(normaliseAddress(given)).toBe(spelled);
  });

  test.each(['', 'localhost', '192.0.2', '300.1.1.1', '[::1]', '::1:5683:zz'])('"%s" is none', (text) => {
    expect(() => normaliseAddress(text)).toThrow(/not an IP address/);
  });

  test('is classified by its prefix', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1'].every(isLoopback)).toBe(true);
    expect(['128.0.0.1', '12.7.0.0', '::2', '1::1'].some(isLoopback)).toBe(false);
    expect(['fe80::1%eth0', 'febf::1'].every(isLinkLocal)).toBe(true);
    expect(['fec0::1', 'fe08::1', 'fd00::1', '169.254.0.1'].some(isLinkLocal)).toBe(false);
    expect(['224.0.1.187', '239.255.255.255', 'ff02::fd'].every(isMulticast)).toBe(true);
    expect(['223.1.1.1', '240.0.0.1', 'fe80::1', '22.4.0.1'].some(isMulticast)).toBe(false);
  });
});

describe('the local addresses', () => {
  const local = localAddresses({
    lo: [
      { address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
      { address: '::1', cidr: '::1/128', internal: true },
    ],
    eth0: [
      { address: '192.0.2.2', cidr: '192.0.2.2/24', internal: false },
      { address: '2001:db8:1::2', cidr: '2001:db8:1::2/64', internal: false },
      { address: 'fe80::2', cidr: 'fe80::2/64', internal: false },
    ],
    wlan0: [
      { address: '198.51.100.2', cidr: '198.51.100.2/24', internal: false },
      { address: 'fe80::3', cidr: 'fe80::3/64', internal: false },
    ],
  });

  test('are what a wildcard of their IP version means, zones included', () => {
    expect(expandListen(['0.0.0.0', '192.0.2.2'], local)).toEqual(['127.0.0.1', '192.0.2.2', '198.51.100.2']);
    expect(expandListen(['::'], local)).toEqual(['::1', '2001:db8:1::2', 'fe80::2%eth0', 'fe80::3%wlan0']);
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.9', '127.0.0.1'],
    ['::1', '::1'],
    ['192.0.2.99', '192.0.2.2'],
    ['198.51.100.99', '198.51.100.2'],
    ['203.0.113.1', '192.0.2.2'],
    ['2001:db8:1::99', '2001:db8:1::2'],
    ['2001:db8:9::1', '2001:db8:1::2'],
    ['fe80::99%wlan0', 'fe80::3%wlan0'],
    ['ff02::fd%wlan0', 'fe80::3%wlan0'],
  ])('to speak to %s from is %s', (remote, from) => {
    expect(chooseLocal(remote, expandListen(['0.0.0.0', '::'], local), local)).toBe(from);
  });

  test('are none where only the other IP version is listened on', () => {
    expect(chooseLocal('::1', ['127.0.0.1'], local)).toBeUndefined();
  });
});
