/** What plain Python functions take, give and promise, through real processes. */
import { beforeEach, describe, expect, test } from 'vitest';
import { functionCddl } from '../../../src/directory/cddl.ts';
import { parametersSchema } from '../../../src/directory/json-schema.ts';
import { signatureText } from '../../../src/directory/signature-text.ts';
import { codecs } from '../pages/python.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const signatures = `
from __future__ import annotations
import dataclasses, datetime, decimal, enum, pathlib, typing, uuid
from typing import Optional, Union, Literal, NamedTuple, TypedDict, List, Dict
if typing.TYPE_CHECKING:
    from nowhere import Unknown

class Colour(enum.Enum):
    RED = 'red'
    BLUE = 'blue'

@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.5
    tags: List[str] = dataclasses.field(default_factory=list)

class Pair(NamedTuple):
    a: int
    b: str

class Options(TypedDict, total=False):
    deep: bool

def every(a, b: int, /, c: float = 0.5, *rest: str, d: bool, e: Optional[str] = None, **others: int):
    """Everything.

    Args:
        b (int): a number
        rest: more of them
    """
    return [a, b, c, list(rest), d, e, others]

def revived(p: Point, colour: Colour = Colour.RED, when: Optional[datetime.datetime] = None):
    return [type(p).__name__, p.x, type(p.x).__name__, p.y, p.tags, colour.name, when]

def kinds(u: uuid.UUID, d: decimal.Decimal, s: set, t: tuple[int, str], path: pathlib.Path, day: datetime.date):
    return [type(each).__name__ for each in (u, d, s, t, path, day)]

def pair(p: Pair, points: List[Point]): return [p.a, p.b, [point.x for point in points]]
def either(x: Union[int, Point, None], mode: Literal['a', 1] = 'a'): return [type(x).__name__, mode]
def absent(p: Point = None, s: set = None): return [p, s]
def options(o: Options, m: Dict[str, int]): return [o, m]
def strange(x: Unknown, y: int = 1): return x
def mutable(x, seen=[]):
    seen.append(x)
    return seen
def hidden(a, _cache={}): return a
def unhidden(_a): return _a
`;

describe.each(codecs)('parameters, %s,', (_, python) => {
  test('are bound as Python binds them: defaults, keyword-only, *args and **kwargs', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': signatures }, {}, { python });
    expect(await folder.say('lib/every', { a: 1, b: 2, d: true })).toEqual([1, 2, 0.5, [], true, null, {}]);
    expect(await folder.say('lib/every', { a: 1, b: 2, c: 3, d: true, rest: ['x', 'y'], other: 5 })).toEqual([
      1,
      2,
      3,
      ['x', 'y'],
      true,
      null,
      { other: 5 },
    ]);
    expect(await folder.failure('lib/every', [1, 2, 3, 'x'])).toMatchObject({
      code: 'missing-argument',
      details: { parameter: { name: 'd' } },
    });
    expect(await folder.failure('lib/every', { a: 1, b: 2, d: true, other: 'x' })).toMatchObject({
      code: 'wrong-type',
    });
    expect(await folder.say('lib/mutable', [1])).toEqual([1]);
    expect(await folder.say('lib/mutable', [2])).toEqual([1, 2]);
    expect(await folder.say('lib/hidden', [7])).toBe(7);
    expect(await folder.failure('lib/hidden', { a: 7, _cache: 1 })).toMatchObject({ code: 'unexpected-argument' });
    await expect(folder.say('lib/unhidden', [1])).rejects.toThrow(/its parameter '_a' begins with "_"/);
  });

  test('are what their hints promise: dataclasses, enums, sets, dates, UUIDs, paths', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': signatures }, {}, { python });
    const when = new Date('2026-01-31T12:00:00.123Z');
    expect(await folder.say('lib/revived', { p: { x: 1, tags: ['a'] }, colour: 'blue', when })).toEqual([
      'Point',
      1,
      'float',
      0.5,
      ['a'],
      'BLUE',
      when,
    ]);
    expect(await folder.failure('lib/revived', { p: { x: 1, z: 2 } })).toMatchObject({ code: 'wrong-type' });
    expect(await folder.failure('lib/revived', { p: { x: 1 }, colour: 'green' })).toMatchObject({ code: 'wrong-type' });
    const id = '12345678-1234-1234-1234-123456789abc';
    expect(await folder.say('lib/kinds', [id, '1.50', [1, 1], [1, 'a'], 'a/b', '2026-01-31'])).toEqual([
      'UUID',
      'Decimal',
      'set',
      'tuple',
      'PosixPath',
      'date',
    ]);
    expect(await folder.failure('lib/kinds', ['no id', '1', [], [1, 'a'], 'a', '2026-01-31'])).toMatchObject({
      code: 'invalid-argument',
      details: { parameter: { name: 'u' } },
    });
    expect(
      await folder.say('lib/pair', [
        [1, 'b'],
        [{ x: 1 }, { x: 2 }],
      ]),
    ).toEqual([1, 'b', [1, 2]]);
    expect(await folder.say('lib/either', [{ x: 1 }, 1])).toEqual(['Point', 1]);
    expect(await folder.say('lib/either', [5])).toEqual(['int', 'a']);
    expect(await folder.say('lib/either', [2n ** 80n])).toEqual(['int', 'a']);
    expect(await folder.say('lib/either', [null])).toEqual(['NoneType', 'a']);
    expect(await folder.say('lib/absent')).toEqual([null, null]);
    expect(await folder.say('lib/absent', { s: null })).toEqual([null, null]);
    expect(await folder.say('lib/options', [{}, { a: 1 }])).toEqual([{}, { a: 1 }]);
    expect(await folder.failure('lib/options', [{ flat: true }, {}])).toMatchObject({ code: 'wrong-type' });
    expect(await folder.say('lib/strange', ['anything'])).toBe('anything');
    expect(await folder.failure('lib/strange', ['anything', 'no number'])).toMatchObject({ code: 'wrong-type' });
  });

  test('are described: signature, docstring, JSON Schema, CDDL, compact ids', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': signatures, 'lib/README.md': '# Shapes\n' }, {}, { python });
    const every = folder.registry.find('lib', 'every');
    expect(folder.registry.libraries()[0]).toMatchObject({ title: 'Shapes', id: 0 });
    expect(folder.registry.findById(0, every.id ?? -1)).toBe(every);
    expect(signatureText(every)).toBe(
      'every(a: any, b: integer | bigint, c: number = 0.5, d: boolean, e: string | null = null, **others: { [name]: integer | bigint }, ...rest: string[])',
    );
    expect(every).toMatchObject({ title: 'Everything.', safe: false, pure: false });
    expect(every.doc).not.toMatch(/a number|more of them|:param|Args:/);
    expect(every.parameters.map(({ doc }) => doc)).toEqual([
      undefined,
      'a number',
      undefined,
      undefined,
      undefined,
      undefined,
      'more of them',
    ]);
    expect(parametersSchema(every)).toMatchObject({
      required: ['a', 'b', 'd'],
      additionalProperties: { anyOf: [{ type: 'integer' }, { type: ['string', 'integer'] }] },
    });
    expect(functionCddl(every).split('\n')).toContain(
      'by-position = [ a: any, b: (int / integer), ? c: number .default 0.5, * tstr ]',
    );
  });
});

describe.each(codecs)('results, %s,', (_, python) => {
  test('of generators, async functions and async generators are collected', async () => {
    const folder = await pythonFolder(
      {
        'lib/lib.py': `
import asyncio
def numbers(n: int):
    for i in range(n): yield i
async def later(x):
    await asyncio.sleep(0.01)
    return x
async def ticks():
    for i in range(3):
        await asyncio.sleep(0)
        yield {'i': i}
def nested(): return {'rows': (row for row in [(1, 2), (3, 4)]), 'm': map(str, [1])}
def broken():
    yield 1
    raise ValueError('in the middle')
def runs_its_own_loop():
    return asyncio.run(later(1))
def wrapped(): return later(5)
`,
      },
      {},
      { python },
    );
    expect(await folder.say('lib/numbers', [3])).toEqual([0, 1, 2]);
    expect(await folder.say('lib/later', [5])).toBe(5);
    expect(await folder.say('lib/ticks')).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    expect(await folder.say('lib/nested')).toEqual({
      rows: [
        [1, 2],
        [3, 4],
      ],
      m: ['1'],
    });
    expect((await folder.failure('lib/broken')).details.remote).toMatchObject({ message: 'in the middle' });
    expect(await folder.say('lib/runs_its_own_loop')).toBe(1);
    expect(await folder.say('lib/wrapped')).toBe(5);
  });

  test('W6 functions that wait share a process: fifty that sleep take as long as one', async () => {
    const folder = await pythonFolder(
      {
        'lib/lib.py':
          'import asyncio\nrunning = most = 0\nasync def wait():\n    global running, most\n    running += 1\n    most = max(most, running)\n    await asyncio.sleep(0.3)\n    running -= 1\n    return most\n',
      },
      {},
      { python },
    );
    await folder.say('lib/wait');
    const all = await Promise.all(Array.from({ length: 50 }, () => folder.say('lib/wait')));
    expect(Math.max(...all.map(Number))).toBe(50);
  });

  test('R7 are what they are: rows, bytes, dates, numbers of any size, text for what has no form', async () => {
    const folder = await pythonFolder(
      {
        'lib/lib.py': `
import collections, dataclasses, datetime, decimal, enum, fractions, sqlite3, uuid
class Level(enum.IntEnum):
    HIGH = 3
@dataclasses.dataclass
class Point:
    x: int
    y: list
def everything():
    c = sqlite3.connect(':memory:')
    c.row_factory = sqlite3.Row
    return {
        'bytes': [b'\\x00', bytearray(b'\\x01'), memoryview(b'\\x02')],
        'when': datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        'first': datetime.datetime.min, 'day': datetime.date(2026, 1, 31), 'time': datetime.time(12, 30), 'span': datetime.timedelta(minutes=1),
        'big': 2 ** 100, 'small': -2 ** 70, 'nan': float('nan'), 'zero': -0.0, 'inf': float('-inf'),
        'decimal': decimal.Decimal('1.50'), 'fraction': fractions.Fraction(1, 3),
        'set': {'b', 'a', 'c'}, 'mixed': frozenset([1]), 'tuple': (1, (2,)), 'enum': Level.HIGH,
        'uuid': uuid.UUID(int=1), 'point': Point(1, [Point(2, [])]), 'rows': c.execute('SELECT 1 AS a, NULL AS b'),
        'counter': collections.Counter('aab'), 'keys': {1: 'a', (1, 2): 'b'}, 'function': everything, 'class': Point,
        'surrogates': '\\ud83d\\ude00 \\ud800', 'none': None, 'range': range(3), 'complex': 1 + 2j, 'error': ValueError('x'),
    }
def nothing(): pass
`,
      },
      {},
      { python },
    );
    expect(await folder.say('lib/nothing')).toBe(undefined);
    expect(await folder.say('lib/everything')).toEqual({
      bytes: [new Uint8Array([0]), new Uint8Array([1]), new Uint8Array([2])],
      when: new Date('2026-01-31T10:00:00Z'),
      first: '0001-01-01T00:00:00',
      day: '2026-01-31',
      time: '12:30:00',
      span: 60,
      big: 2n ** 100n,
      small: -(2n ** 70n),
      nan: NaN,
      zero: -0,
      inf: -Infinity,
      decimal: '1.50',
      fraction: '1/3',
      set: ['a', 'b', 'c'],
      mixed: [1],
      tuple: [1, [2]],
      enum: 3,
      uuid: '00000000-0000-0000-0000-000000000001',
      point: { x: 1, y: [{ x: 2, y: [] }] },
      rows: [{ a: 1, b: null }],
      counter: { a: 2, b: 1 },
      keys: new Map<unknown, unknown>([
        [1, 'a'],
        [[1, 2], 'b'],
      ]),
      function: '[function everything]',
      class: '[class Point]',
      surrogates: '\u{1f600} \ufffd',
      none: null,
      range: [0, 1, 2],
      complex: '(1+2j)',
      error: 'x',
    });
  });

  test('P21 an exception keeps its class, message, traceback and attributes', async () => {
    const folder = await pythonFolder(
      {
        'lib/lib.py': `
import threading
class OutOfStock(Exception):
    def __init__(self, part, left):
        super().__init__(f'no more {part}')
        self.part, self.left, self._private, self.lock = part, left, 1, threading.Lock()
        self.rows = iter([1, 2])
def take(part):
    raise OutOfStock(part, {'left': 0})
`,
      },
      {},
      { python },
    );
    const { code, message, details } = await folder.failure('lib/take', ['A17']);
    expect([code, message]).toEqual(['function-failed', 'The function raised OutOfStock.']);
    expect(details.remote).toMatchObject({ name: 'OutOfStock', message: 'no more A17' });
    expect(details.remote?.attributes).toMatchObject({ part: 'A17', left: { left: 0 } });
    expect(details.remote?.attributes).not.toHaveProperty('_private');
    // Whoever is told of it would read it to its end.
    expect(details.remote?.attributes).not.toHaveProperty('rows');
    expect(details.remote?.stack).toMatch(/^Traceback[^]*lib\.py", line 9, in take[^]*OutOfStock: no more A17\n$/);
    expect(details.remote?.stack).not.toContain('funcoap_host');
  });
});

describe('the module funcoap', () => {
  const library = `
import os
from funcoap import Context, InvalidArgument, context, invalidate, pure, safe, tag, time_limit

@pure(max_age=60)
def count(part: str):
    tag(part)
    if part != 'A17': raise InvalidArgument(f'There is no part {part}.', 'part')
    return 3

@pure
def bare(): return 1

@safe
@time_limit(0.5)
def looked(): return context().identity

@safe
def within(): return context().groups

def who(ctx: Context, x: int = 1):
    assert ctx is context()
    return [ctx.identity, ctx.peer, ctx.correlation_id, ctx.deadline > 0, os.path.basename(ctx.data_folder), x]

def change(part): invalidate(tag=part)
`;

  test('promises, tags, invalidates, refuses, and hands over the context of the call', async () => {
    const folder = await pythonFolder({ 'lib/lib.py': library });
    expect(folder.registry.find('lib', 'count')).toMatchObject({ pure: true, safe: true, maxAge: 60_000 });
    expect(folder.registry.find('lib', 'bare')).toMatchObject({ pure: true, maxAge: 0 });
    expect(folder.registry.find('lib', 'looked')).toMatchObject({ safe: true, pure: false, timeLimit: 500 });
    expect(folder.registry.find('lib', 'who').parameters.map(({ name }) => name)).toEqual(['x']);
    expect(await folder.call('lib', 'count', ['A17'])).toMatchObject({ tags: ['A17'], readCaller: false, value: 3 });
    expect(await folder.call('lib', 'looked')).toMatchObject({ readCaller: 'identity', value: 'local' });
    const caller = { identity: 'lamp', groups: ['meters', 'hall'], peer: '' };
    const grouped = { readCaller: 'identity', value: ['meters', 'hall'] };
    expect(await folder.call('lib', 'within', [], { caller })).toMatchObject(grouped);
    expect(await folder.call('lib', 'within')).toMatchObject({ readCaller: 'identity', value: [] });
    expect(await folder.say('lib/who', [5])).toEqual(['local', '127.0.0.1:49152', 'c-1', true, 'data', 5]);
    expect(await folder.failure('lib/count', ['B1'])).toMatchObject({
      code: 'invalid-argument',
      message: 'There is no part B1.',
      details: { parameter: { name: 'part', id: 0 } },
    });
    const told: unknown[] = [];
    folder.registry.onInvalidate((what) => told.push(what));
    await folder.say('lib/change', ['A17']);
    expect(told).toEqual([{ library: 'lib', tag: 'A17' }]);
  });
});
