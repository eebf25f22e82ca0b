import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, textOf, utf8 } from '../../../src/core/bytes.ts';
import { UsageError } from '../../../src/core/error.ts';
import { decodeUint, optionNumber, type Option } from '../../../src/coap/codec/options.ts';
import { composeUri, encodeUriSegment, parseCoapUri, type CoapUri } from '../../../src/coap/codec/uri.ts';

const names: ReadonlyMap<number, string> = new Map([
  [optionNumber.uriHost, 'host'],
  [optionNumber.uriPort, 'port'],
  [optionNumber.uriPath, 'path'],
  [optionNumber.uriQuery, 'query'],
]);

const readable = (options: readonly Option[]): string[] =>
  options.map(({ number, value }) => {
    const text = number === optionNumber.uriPort ? String(decodeUint(value)) : (textOf(value) ?? hex(value));
    return `${names.get(number)} ${text}`;
  });

describe('decomposing a URI (RFC 7252 §6.4)', () => {
  it.each<[string, string, number, string[]]>([
    [
      'coap://127.0.0.1/func/math/add?a=10&b=20',
      '127.0.0.1',
      5683,
      ['path func', 'path math', 'path add', 'query a=10', 'query b=20'],
    ],
    ['coap://127.0.0.1', '127.0.0.1', 5683, []],
    ['coap://127.0.0.1/', '127.0.0.1', 5683, []],
    ['coaps://[2001:DB8::2:1]/', '2001:db8::2:1', 5684, []],
    ['coap://[::1]:61616/a', '::1', 61616, ['path a']],
    ['coap://[fe80::1%25eth0]/a', 'fe80::1%eth0', 5683, ['path a']],
    ['coap://[fe80::1%eth0]/a', 'fe80::1%eth0', 5683, ['path a']],
    // RFC 7252 §6.3: three spellings of one URI.
    [
      'coap://example.com:5683/~sensors/temp.xml',
      'example.com',
      5683,
      ['host example.com', 'path ~sensors', 'path temp.xml'],
    ],
    [
      'coap://EXAMPLE.com/%7Esensors/temp.xml',
      'example.com',
      5683,
      ['host example.com', 'path ~sensors', 'path temp.xml'],
    ],
    [
      'COAP://EXAMPLE.com:/%7esensors/temp.xml',
      'example.com',
      5683,
      ['host example.com', 'path ~sensors', 'path temp.xml'],
    ],
    ['coap://1.2.3/', '1.2.3', 5683, ['host 1.2.3']],
    ['coap://ex%C3%A4mple/', 'exämple', 5683, ['host exämple']],
    // RFC 7252 Appendix B
    [
      'coap://198.51.100.1:61616//%2F//?%2F%2F&?%26',
      '198.51.100.1',
      61616,
      ['path ', 'path /', 'path ', 'path ', 'query //', 'query ?&'],
    ],
    ['coap://h/a/', 'h', 5683, ['host h', 'path a', 'path ']],
    ['coap://h/a/./b/../c', 'h', 5683, ['host h', 'path a', 'path c']],
    ['coap://h/a/..', 'h', 5683, ['host h']],
    ['coap://h/?', 'h', 5683, ['host h', 'query ']],
    ['coap://h?a&&b', 'h', 5683, ['host h', 'query a', 'query ', 'query b']],
    ['coap://h/é%20%F0%9F%98%80😀', 'h', 5683, ['host h', 'path é 😀😀']],
    ['coap://h/%ff', 'h', 5683, ['host h', 'path ff']],
  ])('%s', (text, host, port, options) => {
    const uri = parseCoapUri(text);
    expect([uri.host, uri.port, readable(uri.options)]).toEqual([host, port, options]);
  });

  it('sends Uri-Port only where the datagram goes to another port (step 7)', () => {
    expect(readable(parseCoapUri('coap://h:61616/', 5683).options)).toEqual(['host h', 'port 61616']);
    expect(readable(parseCoapUri('coap://h/', 5683).options)).toEqual(['host h']);
  });

  it.each([
    ['http://h/', 'begins with coap://,'],
    ['h/func', 'begins with coap://,'],
    ['coap:h', 'begins with coap://,'],
    ['', 'begins with coap://,'],
    ['coap:///func', 'host is missing'],
    ['coap://:5683/', 'host is missing'],
    ['coap://::1/', 'brackets'],
    ['coap://[::1/', 'brackets'],
    ['coap://h:x/', 'a port'],
    ['coap://h:0/', '1 to 65535'],
    ['coap://h:65536/', '1 to 65535'],
    ['coap://[1::2::3]/', 'not an IPv6 address'],
    ['coap://[v1.x]/', 'not an IPv6 address'],
    ['coap://[fe80::1%25]/', 'names an interface'],
    ['coap://[fe80::1%25a%2Fb]/', 'names an interface'],
    ['coap://me@h/', 'no user name'],
    ['coap://h/#x', '%23'],
    ['coap://h/a b', '%20'],
    ['coap://h/{"a":1}', '%7B'],
    ['coap://h/\n', '%0A'],
    ['coap://h/%', '%25'],
    ['coap://h/%2', '%25'],
    ['coap://h/%zz', '%25'],
    ['coap://h%ff/', 'not UTF-8'],
    ['coap://h/%2e%2E/x', '"." or ".."'],
    [`coap://h/${'a'.repeat(256)}`, 'at most 255 bytes'],
    [`coap://h/?${'é'.repeat(128)}`, 'at most 255 bytes'],
    [`coap://${'a'.repeat(256)}/`, 'at most 255 bytes'],
  ])('refuses %j and says why', (text, reason) => {
    expect(() => parseCoapUri(text)).toThrow(UsageError);
    expect(() => parseCoapUri(text)).toThrow(reason);
  });
});

describe('composing a URI (RFC 7252 §6.5)', () => {
  it.each([
    ['coap://127.0.0.1', 'coap://127.0.0.1/'],
    ['coap://EXAMPLE.com:5683/%7Esensors', 'coap://example.com/~sensors'],
    ['coaps://h:5683/', 'coaps://h:5683/'],
    ['coap://[FE80::1%eth0]:1/', 'coap://[fe80::1%25eth0]:1/'],
    ['coap://198.51.100.1:61616//%2F//?%2F%2F&?%26', 'coap://198.51.100.1:61616//%2F//?//&?%26'],
    ['coap://h/%c3%a9%20%5b', 'coap://h/%C3%A9%20%5B'],
    ['coap://h/%ff', 'coap://h/%FF'],
    ['coap://ex%C3%A4mple/', 'coap://ex%C3%A4mple/'],
  ])('%s becomes %s', (text, normal) => {
    expect(composeUri(parseCoapUri(text))).toBe(normal);
  });

  it('takes the destination where there is no Uri-Host, and Uri-Port where there is one', () => {
    expect(composeUri({ scheme: 'coap', host: '::1', port: 61616, options: [] })).toBe('coap://[::1]:61616/');
    expect(composeUri(parseCoapUri('coap://h:61616/', 5683))).toBe('coap://h:61616/');
  });

  it.each(['a/b', 'a b', 'a@b', '[::1', ''])('fails for the Uri-Host %j (step 2)', (host) => {
    const options = [{ number: optionNumber.uriHost, value: utf8(host) }];
    expect(() => composeUri({ scheme: 'coap', host: '::1', port: 5683, options })).toThrow(UsageError);
  });

  it('is undone by decomposing', () => {
    const segment = fc.uint8Array({ maxLength: 20 });
    const path = fc
      .array(segment, { maxLength: 5 })
      // RFC 7252 §5.10.1 forbids the dots; one empty segment is "/", which is no segment.
      .filter((segments) => segments.every((value) => !['.', '..'].includes(textOf(value) ?? '')))
      .filter((segments) => segments.length !== 1 || segments[0]?.length !== 0);
    const uri: fc.Arbitrary<CoapUri> = fc
      .record({
        scheme: fc.constantFrom('coap' as const, 'coaps' as const),
        host: fc.oneof(fc.ipV4(), fc.constantFrom('::1', 'fe80::1%eth0', '2001:db8::1')),
        port: fc.integer({ min: 1, max: 65535 }),
        path,
        query: fc.array(segment, { maxLength: 5 }),
      })
      .map(({ path: segments, query, ...destination }) => ({
        ...destination,
        options: [
          ...segments.map((value) => ({ number: optionNumber.uriPath, value })),
          ...query.map((value) => ({ number: optionNumber.uriQuery, value })),
        ],
      }));
    fc.assert(
      fc.property(uri, (sent) => {
        expect(parseCoapUri(composeUri(sent))).toEqual(sent);
      }),
    );
  });

  it('fails on any text only with a sentence', () => {
    const text = fc.string({
      unit: fc.constantFrom('coap', '://', '[', ']', ':', '%', '2', 'é', '/', '?', '&', '#', '@', '.'),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          text.map((rest) => `coap://${rest}`),
        ),
        (any) => {
          try {
            parseCoapUri(any);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

it('a path segment is encoded for links too', () => {
  expect(encodeUriSegment('a/b;c d>')).toBe('a%2Fb;c%20d%3E');
});
