/** Nothing is lost between the gateway and Python, either way: what CBOR tells apart comes back as it went. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { anyValue, expectSame } from '../../cbor/values.ts';
import type { Value } from '../../../src/core/value.ts';
import { codecs } from '../pages/python.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const library = `
import datetime, random

def echo(value): return value

def seen(value):
    """What Python sees, in its own words."""
    if isinstance(value, dict): return ['dict', [[seen(k), seen(v)] for k, v in value.items()]]
    if isinstance(value, list): return ['list', [seen(each) for each in value]]
    if isinstance(value, datetime.datetime): return ['datetime', value.isoformat()]
    if isinstance(value, bytes): return ['bytes', value.hex()]
    if isinstance(value, str): return ['str', value.encode().hex()]
    return [type(value).__name__, repr(value)]

def omitted(a=1, b=2, c=3): return [a, b, c]

def made(seed):
    """A value with everything in it, and what it is in Python's own words: made here, not echoed."""
    r = random.Random(seed)
    def any_value(depth):
        kind = r.randrange(11 if depth else 8)
        if kind == 0: return None
        if kind == 1: return r.random() < 0.5
        if kind == 2: return r.choice([1, -1]) * r.getrandbits(r.randrange(1, 180))
        if kind == 3: return r.choice([r.uniform(-1e300, 1e300), float('nan'), float('inf'), -0.0, 1e-320, 0.1])
        if kind in (4, 5): return ''.join(chr(r.choice([r.randrange(128), r.randrange(0x100, 0xd800), r.randrange(0xe000, 0x110000)])) for _ in range(r.randrange(80)))
        if kind == 6: return r.randbytes(r.randrange(60))
        if kind == 7: return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=r.randrange(-10**13, 10**14))
        if kind in (8, 9): return [any_value(depth - 1) for _ in range(r.randrange(5))]
        # Names that are digits are sorted by JavaScript.
        keys = r.choice([lambda: 'k' + str(r.randrange(1000)), lambda: r.randrange(-1000, 1000)])
        return {keys(): any_value(depth - 1) for _ in range(r.randrange(5))}
    value = any_value(3)
    return [value, repr(seen(value))]

def reread(value): return repr(seen(value))
`;

describe.each(codecs)('%s', (_, python) => {
  test('what clients send comes back from Python as the very same value', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': library }, {}, { python });
    await fc.assert(
      fc.asyncProperty(anyValue, async (value) => {
        // In a list: a function that returns None has returned nothing.
        expectSame(await folder.value('lib', 'echo', [value]), [value]);
      }),
      { numRuns: 400 },
    );
  });

  test('what Python returns, sent to it again, is what it was', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': library }, {}, { python });
    for (let seed = 0; seed < 300; seed++) {
      const [value, words] = (await folder.value('lib', 'made', seed)) as readonly [Value, string];
      // JavaScript has one type of number: a float that is whole comes back as an int.
      if (/'float', '-?\d+\.0'|'float', '-?[\d.]+e\+/.test(words)) continue;
      expect([seed, await folder.value('lib', 'reread', value)]).toEqual([seed, words]);
    }
  });

  test('Python sees the types that there are', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': library }, {}, { python });
    const seen = (value: Value): Promise<Value> => folder.value('lib', 'seen', value);
    expect(await seen(-0)).toEqual(['float', '-0.0']);
    expect(await seen(NaN)).toEqual(['float', 'nan']);
    expect(await seen(-Infinity)).toEqual(['float', '-inf']);
    expect(await seen(2n ** 64n)).toEqual(['int', '18446744073709551616']);
    expect(await seen(5)).toEqual(['int', '5']);
    expect(await seen(5n)).toEqual(['int', '5']);
    expect(await seen(true)).toEqual(['bool', 'True']);
    expect(await seen(null)).toEqual(['NoneType', 'None']);
    expect(await seen([undefined])).toEqual(['list', [['NoneType', 'None']]]);
    expect(await seen(new Uint8Array([255]))).toEqual(['bytes', 'ff']);
    expect(await seen(new Date('2026-01-31T12:00:00.123Z'))).toEqual(['datetime', '2026-01-31T12:00:00.123000+00:00']);
    expect(
      await seen(
        new Map<Value, Value>([
          [1, 2],
          [[1, [2]], 3],
        ]),
      ),
    ).toEqual([
      'dict',
      [
        [
          ['int', '1'],
          ['int', '2'],
        ],
        [
          ['tuple', '(1, (2,))'],
          ['int', '3'],
        ],
      ],
    ]);
    expect(await folder.value('lib', 'omitted', undefined, 5, undefined)).toEqual([1, 5, 3]);
    expect(await folder.value('lib', 'omitted', null)).toEqual([null, 2, 3]);
  });

  test('what Python has no form for is refused, and not changed', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': library }, {}, { python });
    for (const value of [
      new Date(8.64e15),
      new Map<Value, Value>([
        [1, 'a'],
        [true, 'b'],
      ]),
      new Map<Value, Value>([[{ a: 1 }, 1]]),
    ]) {
      expect(await folder.problem('lib', 'echo', [value])).toBe('invalid-argument');
    }
    expect(await folder.value('lib', 'echo', 1)).toBe(1);
  });
});
