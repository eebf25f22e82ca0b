import { expect, test } from 'vitest';
import { idIn } from '../../../src/client/sdk/own-path.ts';

test.each([
  ['coap://gw', 'coap://gw:5683'],
  ['coap://gw:5683', 'COAP://GW'],
  ['coaps://[2001:DB8::1]:5684', 'coaps://[2001:db8::1]'],
  ['http://gw', 'http://GW:80'],
  ['https://gw:443', 'https://gw'],
])('%s and %s are one gateway', (origin, other) => {
  expect(idIn(`${other}/j/abcdefgh`, origin, 'j')).toBe('abcdefgh');
});

test.each([
  'coaps://gw',
  'coap://gw:5684',
  'coap://gw.example',
  'coap://gw@example',
  'http://gw:5683',
  'ftp://gw',
  'coap://',
])('coap://gw and %s are not', (other) => {
  expect(() => idIn(`${other}/j/abcdefgh`, 'coap://gw', 'j')).toThrow(expect.objectContaining({ code: 'bad-uri' }));
});
