import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeDnsMessage,
  emptyMessage,
  encodeDnsMessage,
  labelOf,
  nameKey,
  recordType,
  type DnsMessage,
} from '../../../src/directory/mdns/message.ts';
import {
  addressed,
  attributes,
  attributesOf,
  hostAddress,
  located,
  location,
  noOthers,
  pointed,
  pointer,
} from '../../../src/directory/mdns/records.ts';

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)));

const label = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .map((text) => labelOf(text))
  .filter((text) => text !== '');
const name = fc.array(label, { minLength: 1, maxLength: 4 });
const data = fc.uint8Array({ maxLength: 40 });
const record = fc.record({
  name,
  // Types whose data has no names in it.
  type: fc.constantFrom(recordType.A, recordType.TXT, recordType.AAAA, 99),
  flush: fc.boolean(),
  ttlSeconds: fc.nat(),
  data,
});
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: fc.nat(0xffff),
  response: fc.boolean(),
  truncated: fc.boolean(),
  questions: fc.array(fc.record({ name, type: fc.nat(0xffff), unicast: fc.boolean() }), { maxLength: 4 }),
  answers: fc.array(record, { maxLength: 4 }),
  authorities: fc.array(record, { maxLength: 4 }),
  additionals: fc.array(record, { maxLength: 4 }),
});

describe('DNS messages', () => {
  it('are laid out as RFC 1035 §4.1 says, with the unicast bit of RFC 6762 §5.4', () => {
    const question = { name: ['_coap', '_udp', 'local'], type: recordType.PTR, unicast: true };
    const header = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const expected = bytes(header, [5], '_coap', [4], '_udp', [5], 'local', [0, 0, 12, 0x80, 1]);
    expect(encodeDnsMessage({ ...emptyMessage, id: 7, questions: [question] })).toEqual(expected);
    expect(decodeDnsMessage(expected)).toEqual({ ...emptyMessage, id: 7, questions: [question] });
  });

  it('point back to names that were there before', () => {
    const answers = [hostAddress(['gw', 'local'], '192.0.2.1'), hostAddress(['GW', 'local'], '192.0.2.2')];
    const written = encodeDnsMessage({ ...emptyMessage, response: true, answers });
    // A second owner is two bytes: a pointer to offset 12.
    expect(written.slice(12 + 10 + 14, 12 + 10 + 14 + 2)).toEqual(Uint8Array.of(0xc0, 12));
    // RFC 6762 §18.4: responses are authoritative. §10.2: the flush bit.
    expect([...written.slice(2, 4)]).toEqual([0x84, 0]);
    expect(decodeDnsMessage(written)?.answers.map(addressed)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (one) => {
        const read = decodeDnsMessage(encodeDnsMessage(one));
        // A repeated name may come back in the case of its first mention.
        const folded = (value: DnsMessage | undefined): unknown =>
          JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
            Array.isArray(inner) && inner.every((item) => typeof item === 'string') ? nameKey(inner) : inner,
          );
        expect(folded(read)).toEqual(folded(one));
      }),
    );
  });

  it('are of the class IN', () => {
    const text = attributes(['a'], ['x']);
    const sent = encodeDnsMessage({ ...emptyMessage, response: true, answers: [text] });
    expect(decodeDnsMessage(sent)?.answers).toEqual([text]);
    // Header, name and type are 12 + 3 + 2 bytes; RFC 1035 §3.2.4: CH is 3.
    sent[18] = 3;
    expect(decodeDnsMessage(sent)?.answers).toEqual([]);
  });

  it.each([
    [128, 1],
    [129, undefined],
  ])('of names that are a chain of %i pointers are read up to a limit', (pointers, answers) => {
    const chain: number[] = [0];
    // The data of a record begins after header, root name, type, class, TTL and length.
    const start = 12 + 1 + 2 + 2 + 4 + 2;
    for (let at = start; chain.length < 1 + 2 * (pointers - 1); at = start + chain.length - (chain.length > 1 ? 2 : 1))
      chain.push(0xc0 | (at >> 8), at & 0xff);
    const last = start + chain.length - 2;
    const head = [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    const carrier = [0, 0, recordType.TXT, 0, 1, 0, 0, 0, 9, chain.length >> 8, chain.length & 0xff, ...chain];
    const pointing = [0xc0 | (last >> 8), last & 0xff, 0, recordType.TXT, 0, 1, 0, 0, 0, 9, 0, 0];
    expect(decodeDnsMessage(bytes(head, carrier, pointing))?.answers.length).toBe(answers === 1 ? 2 : undefined);
  });

  it('of bytes that are anything are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
        decodeDnsMessage(some);
      }),
    );
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (one, at, value) => {
        const written = encodeDnsMessage(one);
        written[at % written.length] = value;
        decodeDnsMessage(written);
      }),
    );
  });

  it.each([
    ['a pointer to itself', [0xc0, 12, 0, 12, 0, 1]],
    ['a pointer ahead', [0xc0, 20, 0, 12, 0, 1, 0, 0, 0]],
    ['a label past the end', [63, 97]],
    ['the reserved kinds of label', [0x40, 0, 12, 0, 1]],
    ['bytes that are no UTF-8', [1, 0xff, 0, 0, 12, 0, 1]],
    [
      'a name that is too long',
      [...Array.from({ length: 5 }, () => [63, ...Array<number>(63).fill(97)]).flat(), 0, 0, 12, 0, 1],
    ],
  ])('with %s are refused', (_, question) => {
    expect(decodeDnsMessage(bytes([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], question))).toBeUndefined();
  });

  it.each([
    ['another operation', 0x28],
    ['an error', 0x01],
  ])('of %s are not of multicast DNS (RFC 6762 §18.3, §18.11)', (_, bits) => {
    const header = [0, 0, bits === 1 ? 0 : bits, bits === 1 ? 1 : 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(decodeDnsMessage(bytes(header))).toBeUndefined();
  });
});

describe('records', () => {
  it('say what was put into them', () => {
    const host = ['gw', 'local'];
    const through = (one: ReturnType<typeof pointer>): ReturnType<typeof pointer> => {
      const read = decodeDnsMessage(encodeDnsMessage({ ...emptyMessage, response: true, answers: [one] }))?.answers[0];
      if (read === undefined) throw new Error('lost');
      return read;
    };
    expect(pointed(through(pointer(['_coap', '_udp', 'local'], ['A. B', '_coap', '_udp', 'local'])))).toEqual([
      'A. B',
      '_coap',
      '_udp',
      'local',
    ]);
    expect(located(through(location(['a', 'local'], 5683, host)))).toEqual({ port: 5683, host });
    expect(attributesOf(through(attributes(host, ['txtvers=1', 'path=/func'])))).toEqual(['txtvers=1', 'path=/func']);
    expect(addressed(through(hostAddress(host, '2001:db8::9')))).toBe('2001:db8:0:0:0:0:0:9');
    expect(addressed(through(hostAddress(host, '::1')))).toBe('0:0:0:0:0:0:0:1');
    // RFC 4034 §4.1.2: window 0, four bytes, the bits 1 and 28.
    expect([...through(noOthers(['a'], [recordType.A, recordType.AAAA])).data]).toEqual([
      1, 97, 0, 0, 4, 0x40, 0, 0, 8,
    ]);
  });

  it('with names that others compressed are spelled out, so that they can be compared', () => {
    const spelled = encodeDnsMessage({
      ...emptyMessage,
      response: true,
      answers: [pointer(['_coap', '_udp', 'local'], ['x', '_coap', '_udp', 'local'])],
    });
    // The same with a pointer in the data: owner at 12, its 18 bytes, then type to length.
    const compressed = bytes([...spelled.slice(0, 12 + 18 + 8)], [0, 4, 1], 'x', [0xc0, 12]);
    expect(decodeDnsMessage(compressed)).toEqual(decodeDnsMessage(spelled));
  });
});
