import { describe, expect, test } from 'vitest';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { cipherSuites, type CipherSuite } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { recordProtection } from '../../src/dtls/key-schedule.ts';
import { contentType, decodeRecords, encodePlaintext, type RecordView } from '../../src/dtls/record.ts';
import { RecordLayer } from '../../src/dtls/record-layer.ts';
import { authenticatedHeader, unwrapInner, wrapInner } from '../../src/dtls/record-protection.ts';
import { bytesOf, spaced } from './bytes.ts';

const cid = bytesOf('0102030405');
const text = new TextEncoder().encode('what a device says');
const keysOf = { macKey: new Uint8Array(32).fill(1), key: new Uint8Array(16).fill(2), iv: new Uint8Array(4).fill(3) };

function pair(suite: CipherSuite, readerCid: Uint8Array): { writer: RecordLayer; reader: RecordLayer } {
  const [writer, reader] = [new RecordLayer(), new RecordLayer()];
  writer.protectWrites(recordProtection(nodeCrypto, suite.cipher, keysOf), readerCid);
  reader.protectReads(recordProtection(nodeCrypto, suite.cipher, keysOf), readerCid);
  return { writer, reader };
}

const only = (bytes: Uint8Array | undefined, cidLength: number): RecordView => {
  const [record] = decodeRecords(bytes ?? emptyBytes, cidLength);
  if (record === undefined) throw new Error('no record');
  return record;
};

const cases = cipherSuites.flatMap((suite) => [
  { name: suite.name, suite, ownCid: emptyBytes },
  { name: `${suite.name} with a Connection ID`, suite, ownCid: cid },
]);

describe.each(cases)('$name', ({ suite, ownCid }) => {
  test('opens what was sealed, once', () => {
    const { writer, reader } = pair(suite, ownCid);
    const sealed = writer.seal(1, contentType.applicationData, text);
    const record = only(sealed, cid.length);
    expect(record.type).toBe(ownCid.length > 0 ? contentType.connectionId : contentType.applicationData);
    const opened = reader.open(record);
    expect(opened).toMatchObject({ type: contentType.applicationData, epoch: 1, newest: true });
    expect(hex(opened?.content ?? emptyBytes)).toBe(hex(text));
    expect(reader.open(record)).toBeUndefined();
  });

  test('adds no more than it says', () => {
    const { writer } = pair(suite, ownCid);
    for (let length = 0; length < 40; length++) {
      const sealed = writer.seal(1, contentType.applicationData, new Uint8Array(length));
      expect(sealed?.length).toBeLessThanOrEqual(length + writer.overhead(1));
    }
  });

  test('drops a record of which any byte was changed, and its window does not move', () => {
    const { writer, reader } = pair(suite, ownCid);
    const sealed = writer.seal(1, contentType.applicationData, text) ?? emptyBytes;
    for (let at = 0; at < sealed.length; at++) {
      const [record] = decodeRecords(
        sealed.map((byte, i) => (i === at ? byte ^ 0x40 : byte)),
        cid.length,
      );
      if (record !== undefined) expect(reader.open(record)).toBeUndefined();
    }
    expect(reader.receiveMark).toBe(-1);
    expect(reader.open(only(sealed, cid.length))).toBeDefined();
  });

  test('drops a record that is shorter than what protection adds (CVE-2012-2333)', () => {
    const { reader } = pair(suite, ownCid);
    for (let length = 0; length <= 80; length++) {
      const type = ownCid.length > 0 ? contentType.connectionId : contentType.applicationData;
      const record = { type, epoch: 1, sequence: 1, cid: ownCid, fragment: new Uint8Array(length) };
      expect(reader.open(record)).toBeUndefined();
    }
  });

  test('never protects two records with one sequence number', () => {
    const { writer } = pair(suite, ownCid);
    const sequences = Array.from({ length: 20 }, () => only(writer.seal(1, 23, text), cid.length).sequence);
    expect(new Set(sequences).size).toBe(20);
  });
});

const [anySuite] = cipherSuites;
if (anySuite === undefined) throw new Error('no suites');

describe('CBC, of one who has the keys', () => {
  /** What a reader makes of a record whose blocks were spoiled before the MAC was made. */
  const opened = (spoil: (blocks: Uint8Array) => Uint8Array, before = spoil): unknown => {
    const cipher = { kind: 'cbc' } as const;
    const crypto = {
      ...nodeCrypto,
      aesCbcEncrypt: (key: Uint8Array, iv: Uint8Array, blocks: Uint8Array) =>
        spoil(nodeCrypto.aesCbcEncrypt(key, iv, before(blocks))),
    };
    const [writer, reader] = [new RecordLayer(), new RecordLayer()];
    writer.protectWrites(recordProtection(crypto, cipher, keysOf), emptyBytes);
    reader.protectReads(recordProtection(nodeCrypto, cipher, keysOf), emptyBytes);
    const record = only(writer.seal(1, contentType.applicationData, text), 0);
    return reader.open(record);
  };
  const same = (blocks: Uint8Array): Uint8Array => blocks;
  const withByte = (at: number, value: number) => (blocks: Uint8Array) =>
    blocks.map((byte, i) => (i === (at + blocks.length) % blocks.length ? value : byte));

  test('is read as it was written', () => expect(opened(same)).toBeDefined());
  test.each([
    ['padding that is not all the same (POODLE, CVE-2014-8730)', withByte(-2, 77)],
    ['more padding than there are bytes', withByte(-1, 255)],
    ['padding of another length', withByte(-1, 0x0e)],
  ])('with %s is dropped', (_, before) => {
    expect(opened(same, before)).toBeUndefined();
  });
  test.each([
    ['without any block', (): Uint8Array => emptyBytes],
    ['with half a block', (blocks: Uint8Array) => blocks.subarray(0, 24)],
  ])('%s is dropped, and nothing throws', (_, after) => {
    expect(opened(after, same)).toBeUndefined();
  });
});

describe('the record layer', () => {
  test('reads nothing of epoch 1 before it has keys', () => {
    expect(new RecordLayer().open(only(encodePlaintext(23, 1, 0, text), 0))).toBeUndefined();
  });
  test('reads no application data of epoch 0', () => {
    expect(new RecordLayer().open(only(encodePlaintext(contentType.applicationData, 0, 0, text), 0))).toBeUndefined();
  });
  test('drops a record without a Connection ID where one is expected (RFC 9146 §3)', () => {
    const { reader } = pair(anySuite, cid);
    const { writer } = pair(anySuite, emptyBytes);
    expect(reader.open(only(writer.seal(1, 23, text), 0))).toBeUndefined();
  });
  test('sends nothing beyond the sequence numbers that are reserved', () => {
    const { writer } = pair(anySuite, emptyBytes);
    writer.reservedUntil = 2;
    expect(writer.seal(1, 23, text)).toBeDefined();
    expect(writer.seal(1, 23, text)).toBeDefined();
    expect(writer.seal(1, 23, text)).toBeUndefined();
    writer.reservedUntil = 3;
    expect(only(writer.seal(1, 23, text), 0).sequence).toBe(2);
  });
  test('sends nothing that is larger than the peer takes', () => {
    const { writer } = pair(anySuite, emptyBytes);
    writer.maxContentBytes = 64;
    expect(writer.seal(1, 23, new Uint8Array(65))).toBeUndefined();
    expect(writer.seal(1, 23, new Uint8Array(64))).toBeDefined();
  });
});

describe('limits of records', () => {
  test('count the type that a Connection ID hides in the content (RFC 8449 §4, RFC 9146 §4)', () => {
    const { writer } = pair(anySuite, cid);
    writer.maxContentBytes = 64;
    expect(writer.maxProtectedBytes).toBe(63);
    expect(writer.seal(1, 23, new Uint8Array(64))).toBeUndefined();
    expect(writer.seal(1, 23, new Uint8Array(63))).toBeDefined();
  });
  test('hold for records of the peer too, and one beyond moves no window (RFC 6066 §4)', () => {
    const { writer, reader } = pair(anySuite, emptyBytes);
    reader.maxReadBytes = 512;
    expect(reader.open(only(writer.seal(1, 23, new Uint8Array(513)), 0))).toBeUndefined();
    expect(reader.receiveMark).toBe(-1);
    expect(reader.open(only(writer.seal(1, 23, new Uint8Array(512)), 0))).toBeDefined();
    expect(reader.open(only(encodePlaintext(22, 0, 0, new Uint8Array(513)), 0))).toBeUndefined();
  });
});

describe('a record with a Connection ID', () => {
  test('hides its type in its end (RFC 9146 §4)', () => {
    expect(hex(wrapInner(23, bytesOf('aabb')))).toBe('aabb17');
    expect(unwrapInner(bytesOf('aabb17000000'))).toEqual({ type: 23, content: bytesOf('aabb') });
    expect(unwrapInner(bytesOf('000000'))).toBeUndefined();
    expect(unwrapInner(emptyBytes)).toBeUndefined();
    expect(unwrapInner(bytesOf('1700'))).toEqual({ type: 23, content: emptyBytes });
  });
  test('is authenticated with its own header (RFC 9146 §5.3)', () => {
    expect(hex(authenticatedHeader(25, 1, 2, cid, 0x1234))).toBe(
      spaced('ffffffffffffffff 19 05 19 fefd 0001 000000000002 0102030405 1234'),
    );
  });
  test('and one without, with that of RFC 5246 §6.2.3.3', () => {
    expect(hex(authenticatedHeader(23, 1, 2, emptyBytes, 0x1234))).toBe(spaced('0001 000000000002 17 fefd 1234'));
  });
});
