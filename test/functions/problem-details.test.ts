import { describe, expect, test } from 'vitest';
import { hex, utf8 } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { PeerError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { CallError, problems, type ProblemName } from '../../src/functions/call-error.ts';
import {
  decodeProblem,
  decodeProblemJson,
  encodeProblem,
  encodeProblemJson,
  expectedKinds,
  httpStatus,
  problemKey,
} from '../../src/functions/problem-details.ts';

const short = { words: false, internals: false };
const missing = new CallError('missing-argument', "add needs 'b': give it as a number.", {
  parameter: { name: 'b', id: 1 },
  expected: { kind: 'number', minimum: 0 },
});

describe('the key', () => {
  test('is an absolute URI of at most 16 bytes', () => {
    expect(utf8(problemKey).length).toBeLessThanOrEqual(16);
    // RFC 3986 §4.3: scheme ":" hier-part, no fragment.
    expect(problemKey).toMatch(/^[a-z][a-z0-9+.-]*:[\w\-.~!$&'()*+,;=:@/%]+$/);
    expect(new URL(problemKey).href).toBe(problemKey);
  });
});

describe('Content-Format 257', () => {
  test('without words: one entry, byte by byte', () => {
    expect(hex(encodeProblem(missing, short))).toBe(
      'a1' + // a map of one
        '69' +
        hex(utf8('funcoap:e')) + // our key
        'a3' + // with three in it
        '0008' + // 0: the problem is missing-argument
        '0101' + // 1: of the parameter with id 1
        '0203', // 2: which should be a number
    );
  });
  test('with words: title and detail as well', () => {
    expect(decodeCbor(encodeProblem(missing, { words: true, internals: false }))).toStrictEqual(
      new Map<Value, Value>([
        [-1, 'A required argument is missing'],
        [-2, "add needs 'b': give it as a number."],
        [
          'funcoap:e',
          new Map([
            [0, 8],
            [1, 1],
            [2, 3],
          ]),
        ],
      ]),
    );
  });
  test('a parameter without id goes by its name', () => {
    const error = new CallError('wrong-type', 'x', { parameter: { name: 'b', id: undefined } });
    expect(decodeProblem(encodeProblem(error, short))).toMatchObject({
      name: 'wrong-type',
      parameter: 'b',
      expected: undefined,
    });
  });
  test('what the function threw leaves only with the debug setting', () => {
    const attributes = { secret: 3, more: ['secret'] };
    const remote = { name: 'TypeError', message: 'secret', stack: 'at /secret', attributes };
    const error = new CallError('function-failed', 'The function failed.', { remote });
    for (const words of [false, true]) {
      expect(new TextDecoder().decode(encodeProblem(error, { words, internals: false }))).not.toContain('secret');
      expect(new TextDecoder().decode(encodeProblemJson(error, { words, internals: false }))).not.toContain('secret');
      expect(decodeProblem(encodeProblem(error, { words, internals: true })).remote).toStrictEqual(remote);
      expect(decodeProblemJson(encodeProblemJson(error, { words, internals: true })).remote).toStrictEqual(remote);
    }
  });
  test('every problem comes back by both ways, words and all', () => {
    for (const name of Object.keys(problems) as ProblemName[]) {
      const error = new CallError(name, `About ${name}.`, { retryAfter: seconds(1), parameter: { name: 'p', id: 3 } });
      const wanted = { name, number: problems[name].number, title: problems[name].title, detail: `About ${name}.` };
      expect(decodeProblem(encodeProblem(error, { words: true, internals: false }))).toMatchObject({
        ...wanted,
        parameter: 3,
      });
      expect(decodeProblemJson(encodeProblemJson(error, { words: true, internals: false }))).toMatchObject({
        ...wanted,
        parameter: 'p',
      });
    }
  });
  test('what is not understood is ignored (RFC 9290 §3)', () => {
    const foreign = new Map<Value, Value>([
      [-4, 132],
      [-99, 'new'],
      [7, new Map([[0, 0]])],
      ['coap://other/', { a: 1 }],
      [
        problemKey,
        new Map<Value, Value>([
          [0, 9999],
          [1, 2],
          [2, 99],
          [77, 'x'],
        ]),
      ],
    ]);
    expect(decodeProblem(encodeCbor(foreign))).toStrictEqual({
      number: 9999,
      name: undefined,
      title: undefined,
      detail: undefined,
      parameter: 2,
      expected: undefined,
      remote: undefined,
      batch: undefined,
    });
    for (const other of [[], {}, 'text', null, { [problemKey]: 5 }, { [problemKey]: { 0: 1 } }]) {
      expect(decodeProblem(encodeCbor(other)).name).toBeUndefined();
      expect(decodeProblemJson(utf8(JSON.stringify(other))).name).toBeUndefined();
    }
  });
  test('what is no CBOR is a PeerError', () => expect(() => decodeProblem(utf8('{}}'))).toThrow(PeerError));
});

describe('JSON', () => {
  test('has the member names of RFC 9457; without words it says what it is by its type', () => {
    expect(JSON.parse(new TextDecoder().decode(encodeProblemJson(missing, short)))).toStrictEqual({
      type: 'funcoap:e/missing-argument',
      status: 422,
      code: 8,
      parameter: 'b',
      expected: 'number',
    });
  });
  test('with words: title and detail', () => {
    expect(
      JSON.parse(new TextDecoder().decode(encodeProblemJson(missing, { words: true, internals: false }))),
    ).toMatchObject({
      title: 'A required argument is missing',
      detail: "add needs 'b': give it as a number.",
    });
  });
});

test('the numbers of problems and kinds are each used once', () => {
  const numbers = Object.values(problems).map((problem) => problem.number);
  expect(new Set(numbers).size).toBe(numbers.length);
  const kinds = Object.values(expectedKinds);
  expect(new Set(kinds).size).toBe(kinds.length);
});

test.each([
  [0x84, 404],
  [0x96, 422],
  [0x9d, 429],
  [0xa3, 503],
  [0xa4, 504],
  [0x8d, 413],
  [0x8f, 415],
  [0x82, 400],
  [0x88, 400],
])('response code %i is HTTP %i', (code, status) => expect(httpStatus(code)).toBe(status));
