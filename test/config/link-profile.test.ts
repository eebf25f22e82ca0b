import { expect, test } from 'vitest';
import { parseAddressBlock, profileLookup } from '../../src/config/link-profile.ts';
import { parsedConfig } from './loading.ts';

const profiles = [
  { match: '10.0.0.0/8', name: 'site' },
  { match: '10.1.0.0/16', name: 'floor', ackTimeout: '5s', blockSize: 64 },
  { match: '10.1.2.3', name: 'valve', maxBody: '2KiB' },
  { match: 'fd00:7::/64', name: 'thread' },
  { match: '10.9.0.0/16' },
];
const config = parsedConfig({ profiles });
const lookup = profileLookup(config.profiles, config.profile);

test.each([
  ['10.1.2.3', 'valve'],
  ['10.1.2.4', 'floor'],
  ['10.2.2.4', 'site'],
  ['10.9.1.1', '10.9.0.0/16'],
  ['192.168.1.1', 'default'],
  ['fd00:7::1', 'thread'],
  ['fe80::1%eth0', 'default'],
])('the longest prefix wins, whatever the order: %s gets %s', (address, name) => {
  expect(lookup(address).name).toBe(name);
});

test('what an entry leaves out is taken from the default profile', () => {
  expect(lookup('10.1.2.4')).toEqual({
    match: '10.1.0.0/16',
    name: 'floor',
    ackTimeout: 5000,
    ackRandomFactor: 1.5,
    maxRetransmit: 4,
    nstart: 1,
    piggybackWindow: 1500,
    blockSize: 64,
    maxBody: 1_048_576,
  });
  expect(lookup('10.1.2.3').maxBody).toBe(2048);
});

test('the default profile’s own settings are inherited too', () => {
  const slow = parsedConfig({ profile: { ackTimeout: '9s' }, profiles: [{ match: '10.0.0.0/8' }] });
  expect(slow.profiles[0]?.ackTimeout).toBe(9000);
});

test.each(['10.1.0.0/33', '10.1.0.0/', '10.1.0.0/8/8', 'fd00::/129', 'example.org', '', 'fe80::1%eth0', '10.1.0.0/+8'])(
  '%s is no address block',
  (text) => {
    expect(parseAddressBlock(text)).toBeUndefined();
  },
);
