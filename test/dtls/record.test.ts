import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { hex } from '../../src/core/bytes.ts';
import { contentType, decodeRecords, encodePlaintext } from '../../src/dtls/record.ts';
import { bytesOf } from './bytes.ts';

const clientAlert = bytesOf(
  '15' + // alert
    'fefd' + // DTLS 1.2
    '0000' + // epoch 0
    '000000000007' + // sequence number
    '0002' + // length
    '0228', // fatal, handshake_failure
);
const withCid = bytesOf('19 fefd 0001 000000000002 0a0b0c 0003 ddeeff');

describe('the records of a datagram', () => {
  test('are read field by field', () => {
    const [record] = decodeRecords(clientAlert, 3);
    expect({
      ...record,
      cid: hex(record?.cid ?? new Uint8Array()),
      fragment: hex(record?.fragment ?? new Uint8Array()),
    }).toEqual({
      type: contentType.alert,
      epoch: 0,
      sequence: 7,
      cid: '',
      fragment: '0228',
    });
  });

  test('with a Connection ID have it before the length, as long as this end hands them out (RFC 9146 §4)', () => {
    const [record] = decodeRecords(withCid, 3);
    expect(hex(record?.cid ?? new Uint8Array())).toBe('0a0b0c');
    expect(hex(record?.fragment ?? new Uint8Array())).toBe('ddeeff');
  });

  test('are not looked for where no Connection ID was handed out', () => {
    expect(decodeRecords(withCid, 0)).toEqual([]);
  });

  test('follow one another', () => {
    expect(decodeRecords(Uint8Array.of(...clientAlert, ...withCid, ...clientAlert), 3).map(({ type }) => type)).toEqual(
      [21, 25, 21],
    );
  });

  test.each([
    ['is shorter than a header', clientAlert.subarray(0, 12)],
    ['ends within its fragment', clientAlert.subarray(0, 14)],
    ['is of another protocol', bytesOf('15 0303 0000 000000000007 0002 0228')],
    ['is protected, and of DTLS 1.0', bytesOf('17 feff 0001 000000000007 0002 0228')],
    ['ends within its Connection ID', withCid.subarray(0, 13)],
  ])('a record that %s is the end', (_, bytes) => {
    expect(decodeRecords(bytes, 3)).toEqual([]);
    expect(decodeRecords(Uint8Array.of(...clientAlert, ...bytes), 3)).toHaveLength(1);
  });

  test('a record larger than protection can make it is the end', () => {
    const huge = new Uint8Array(13 + 20_000);
    huge.set(bytesOf('17 fefd 0001 000000000001 4e20'));
    expect(decodeRecords(huge, 0)).toEqual([]);
  });

  test('are what was written, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(20, 21, 22, 23),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.uint8Array({ maxLength: 200 }),
        (type, epoch, sequence, fragment) => {
          const [record, ...more] = decodeRecords(encodePlaintext(type, epoch, sequence, fragment), 8);
          expect(more).toEqual([]);
          expect([record?.type, record?.epoch, record?.sequence]).toEqual([type, epoch, sequence]);
          expect(hex(record?.fragment ?? new Uint8Array())).toBe(hex(fragment));
        },
      ),
    );
  });

  test('never make the reader fail', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 20 }), (bytes, cidLength) => {
        decodeRecords(bytes, cidLength);
      }),
    );
  });
});
