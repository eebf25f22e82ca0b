import { describe, expect, test } from 'vitest';
import { derElements, derSequence, firstBits, oidOf, plainSerial, smallInteger } from '../../src/dtls/der.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const elementOf = (hex: string): NonNullable<ReturnType<typeof derElements>>[number] => {
  const [element] = derElements(bytes(hex)) ?? [];
  if (element === undefined) throw new Error(`${hex} is no element`);
  return element;
};

describe('elements (X.690 §10)', () => {
  test('follow each other, of any length', () => {
    const long = `0482 0100 ${'aa'.repeat(256)}`;
    expect(
      derElements(bytes(`0101ff ${long} 0481 80 ${'bb'.repeat(128)} 0500`))?.map(({ value }) => value.length),
    ).toEqual([1, 256, 128, 0]);
    expect(derElements(bytes(''))).toEqual([]);
    expect(derSequence(bytes('3003 0101ff'))?.map(({ tag }) => tag)).toEqual([1]);
  });
  test.each([
    ['a length that is missing', '04'],
    ['a length that goes beyond the end', '0403 0000'],
    ['a length that ends early', '0482 01'],
    ['a length without an end (indefinite)', '3080 0500 0000'],
    ['a length of one byte in two', '0481 01 00'],
    ['a length of two bytes in three', `0483 000080 ${'00'.repeat(128)}`],
    ['a length of more bytes than anything here has', '0484 00000001 00'],
    ['a tag of more than a byte', '1f81 00 00'],
    ['something left over', '0500 00'],
  ])('are none with %s', (_, hex) => {
    expect(derElements(bytes(hex))).toBeUndefined();
  });
  test('are no sequence where more follows, or where it is another', () => {
    expect(derSequence(bytes('3000 3000'))).toBeUndefined();
    expect(derSequence(bytes('3100'))).toBeUndefined();
  });
});

test.each([
  ['020100', 0],
  ['02017f', 127],
  ['02020080', 128],
  ['020200ff', 255],
  ['02047fffffff', 0x7fffffff],
  ['0200', undefined],
  ['0201ff', undefined], // negative
  ['02020000', undefined], // 0 in two bytes
  ['0202007f', undefined],
  ['02050100000000', undefined], // more than anybody counts
  ['040101', undefined],
])('the integer %s is %s', (hex, number) => {
  expect(smallInteger(elementOf(hex))).toBe(number);
});

test.each([
  ['03020780', 0x80],
  ['03020560', 0x60],
  ['030100', 0],
  ['0303008004', 0x80],
  ['03020781', undefined], // a bit that is not used is set
  ['03020880', undefined],
  ['030107', undefined], // nothing is there to be unused
  ['0300', undefined],
  ['04020780', undefined],
])('of the bits %s the first are %s', (hex, bits) => {
  expect(firstBits(elementOf(hex))).toBe(bits);
});

test('an object identifier in dots', () => {
  expect(['551d0f', '2a8648ce3d040302', '883703'].map((hex) => oidOf(bytes(hex)))).toEqual([
    '2.5.29.15',
    '1.2.840.10045.4.3.2',
    '2.999.3',
  ]);
});

test('a serial number without leading zeros', () => {
  expect(['00ff', '0a', '00', '8001'].map((hex) => plainSerial(bytes(hex)))).toEqual(['ff', 'a', '0', '8001']);
});
