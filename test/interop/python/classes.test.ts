/** Objects of Python classes over CoAP, in a gateway of this process and a real python3. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import type { Value } from '../../../src/core/value.ts';
import { decodeProblem } from '../../../src/functions/problem-details.ts';
import { objectBench, told, valueOf, type ObjectBench } from './object-bench.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const bank = `
from __future__ import annotations
import abc, dataclasses, enum, functools, os, typing
from funcoap import Context, InvalidArgument, safe, time_limit

class Named:
    """Something that is somebody's."""
    #: annotated here, inherited by others
    owner: str

    @safe
    def report(self) -> str:
        """What it is."""
        return f'{self.owner}: {self.balance}'

class Account(Named):
    """An account of somebody.

    Attributes:
        owner: whose it is

    Args:
        owner: who pays
    """
    currency: typing.Final[str] = 'EUR'
    note: typing.Optional[str] = None
    made: typing.ClassVar[int] = 0
    unseen = 1

    def __init__(self, owner: str, balance: float = 0, *, ctx: Context = None):
        if balance < 0: raise OverflowError('it begins with a debt')
        self.owner, self._balance, self.plain = owner, balance, 1

    @property
    def balance(self) -> float:
        """What there is."""
        return self._balance

    @property
    def limit(self): raise PermissionError('who wants to know?')
    @limit.setter
    def limit(self, value: float): self._balance = min(self._balance, value)

    def _put(self, value: float): self._balance = value
    put = property(None, _put)

    @functools.cached_property
    def first(self): return self._balance

    def deposit(self, amount: float, *more: float) -> float:
        """Puts money in.

        :param amount: how much
        """
        self._balance += amount + sum(more)
        return self._balance

    def kind(self, amount: float): return type(amount).__name__
    async def later(self, who: Context) -> str:
        import asyncio
        await asyncio.sleep(0)
        return f'{self.owner} and {who.identity}'
    def months(self):
        yield from ('January', 'February')
    def fail(self): raise LookupError('no such luck')
    def refuse(self, amount): raise InvalidArgument('not today', 'amount')
    @time_limit(0.2)
    def spin(self):
        while True: pass
    def end(self): os._exit(3)
    def same(self): return [os.getpid(), id(self)]
    @staticmethod
    def rob(): return 'robbed'
    @classmethod
    def of(cls, owner): return cls(owner)
    class Inner: pass
    def _secret(self): return 'secret'
    def needs(self, _key): pass
    def close(self):
        with open('closed-' + self.owner, 'w'): pass

@dataclasses.dataclass
class Basket:
    owner: str
    items: typing.List[str] = dataclasses.field(default_factory=list)
    def add(self, item: str) -> int:
        self.items.append(item)
        return len(self.items)
    async def aclose(self):
        with open('aclosed-' + self.owner, 'w'): pass

class Guarded:
    def __init__(self): self.inside = 0
    def __getattr__(self, name): raise OSError('who asks for ' + name + '?')
    def __exit__(self, *of):
        with open('exited-' + repr(of), 'w'): pass

# None of these makes objects: they have a form of their own.
@dataclasses.dataclass
class Part:
    name: str
@dataclasses.dataclass(frozen=True)
class Money:
    cents: int
    def euros(self): return self.cents / 100
class Colour(enum.Enum):
    RED = 'red'
class Broken(Exception): pass
class Pair(typing.NamedTuple):
    a: int
class Shape(typing.Protocol):
    def draw(self): ...
@dataclasses.dataclass
class Abstract(abc.ABC):
    size: int = 1
    @abc.abstractmethod
    def draw(self): ...
    def twice(self) -> list: return [self.draw(), self.draw()]
class _Drawn(Abstract):
    def draw(self): return 'drawn'
class _Hidden: pass
class Impossible:
    def __init__(self, _key): pass

def drawn() -> Abstract: return _Drawn()
def draw(what: Abstract): return what.draw()
def plain(part: Part): return [part, Money(5)]
def pid(): return os.getpid()
`;

const party = `
class Warehouse:
    def __init__(self): self.contents = ['chair', 'bike']
    def take(self, item):
        self.contents.remove(item)
        return self.contents
class Other: pass
`;
const third = `
from party import Warehouse, Other
from string import Template
__all__ = ['Warehouse', 'Template']
class Unlisted: pass
`;

let bench: ObjectBench;
let folder: string;
beforeAll(async () => {
  if (missing !== undefined) return;
  bench = await objectBench({
    'bank/bank.py': bank,
    'bank/data/.keep': '',
    'third/third.py': third,
    'third/party.py': party,
  });
  folder = join(bench.gateway.folder, 'libraries', 'bank', 'data');
});
afterAll(() => bench?.close());

const coap: ObjectBench['request'] = (...asked) => bench.request(...asked);
const make = async (name: string, ...args: Value[]): Promise<string> => {
  const path = await bench.make(`bank/${name}`, args);
  expect(path).toMatch(/^\/o\/[\w-]{8}$/);
  return path;
};

describe('an object of a Python class', () => {
  test('P6 P8 is made, called, read, set, and let go of', async () => {
    const path = await make('Account', 'ada', 10);
    expect(told(await coap('POST', `${path}/deposit`, [5]))).toEqual(['2.04', 15]);
    expect(told(await coap('POST', `${path}/deposit`, { amount: 5, more: [1, 2] }))).toEqual(['2.04', 23]);
    expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 23]);
    expect(told(await coap('PUT', `${path}/limit`, 7))).toEqual(['2.04', undefined]);
    expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 7]);
    expect(told(await coap('PUT', `${path}/put`, 3))).toEqual(['2.04', undefined]);
    expect(told(await coap('GET', `${path}/first`))).toEqual(['2.05', 3]);
    expect(told(await coap('GET', `${path}/note`))).toEqual(['2.05', undefined]);
    expect(told(await coap('PUT', `${path}/note`, 'late'))).toEqual(['2.04', undefined]);
    expect(told(await coap('GET', `${path}/note`))).toEqual(['2.05', 'late']);
    const other = await make('Account', 'bob');
    expect(told(await coap('GET', `${other}/balance`))).toEqual(['2.05', 0]);
    expect(told(await coap('GET', `${other}/report`))).toEqual(['2.05', 'bob: 0.0']);
    expect(told(await coap('POST', `${other}/later`))).toEqual(['2.04', 'bob and local']);
    expect(told(await coap('POST', `${other}/months`))).toEqual(['2.04', ['January', 'February']]);
    expect(told(await coap('POST', `${other}/kind`, [5]))).toEqual(['2.04', 'float']);
    expect(told(await coap('DELETE', path))).toEqual(['2.02', undefined]);
    expect(existsSync(join(folder, 'closed-ada'))).toBe(true);
    expect(told(await coap('GET', `${path}/balance`))).toBe('no-such-resource');
    expect(told(await coap('DELETE', other))).toEqual(['2.02', undefined]);
  });

  test('of a dataclass takes its fields, and aclose or __exit__ lets go of those that have it', async () => {
    const basket = await make('Basket', 'ann');
    expect(told(await coap('POST', `${basket}/add`, ['milk']))).toEqual(['2.04', 1]);
    expect(told(await coap('GET', `${basket}/items`))).toEqual(['2.05', ['milk']]);
    expect(told(await coap('PUT', `${basket}/items`, ['a', 'b']))).toEqual(['2.04', undefined]);
    expect(told(await coap('POST', `${basket}/add`, { item: 'c' }))).toEqual(['2.04', 3]);
    const full = await make('Basket', 'fay', ['x']);
    expect(told(await coap('GET', `${full}/items`))).toEqual(['2.05', ['x']]);
    for (const path of [basket, full, await make('Guarded')])
      expect(told(await coap('DELETE', path))).toEqual(['2.02', undefined]);
    expect(existsSync(join(folder, 'aclosed-ann'))).toBe(true);
    expect(existsSync(join(folder, 'exited-(None, None, None)'))).toBe(true);
  });

  test('shows nothing else, and what it shows is checked', async () => {
    const path = await make('Account', 'carol');
    const absent = [
      '_secret',
      '_balance',
      'rob',
      'of',
      'Inner',
      'made',
      'unseen',
      'plain',
      '__init__',
      '__class__',
      'needs',
    ];
    for (const name of [...absent, '~', 'deposit?', 'owner='])
      expect([name, told(await coap('POST', `${path}/${encodeURIComponent(name)}`))]).toEqual([name, 'no-such-method']);
    expect(told(await coap('PUT', `${path}/currency`, 'USD'))).toBe('method-not-allowed');
    expect(told(await coap('PUT', `${path}/balance`, 5))).toBe('method-not-allowed');
    expect(told(await coap('PUT', `${path}/first`, 5))).toBe('method-not-allowed');
    expect(told(await coap('GET', `${path}/put`))).toBe('method-not-allowed');
    expect(told(await coap('GET', `${path}/deposit?amount=1`))).toBe('not-safe');
    expect(told(await coap('POST', `${path}/deposit`, ['x']))).toBe('wrong-type');
    expect(told(await coap('POST', `${path}/deposit`, { amount: 1, self: 1 }))).toBe('unexpected-argument');
    expect(told(await coap('PUT', `${path}/limit`, 'x'))).toBe('wrong-type');
    expect(told(await coap('PUT', `${path}/note`, 5))).toBe('wrong-type');
    expect(told(await coap('POST', '/func/bank/Account', [5]))).toBe('wrong-type');
    expect(told(await coap('GET', '/func/bank/Account'))).toBe('method-not-allowed');
    await coap('DELETE', path);
  });

  test('reports what its constructor, methods and attributes raise as functions do', async () => {
    const failed = await coap('POST', '/func/bank/Account?_why', ['dan', -1]);
    expect(decodeProblem(failed.payload)).toMatchObject({
      name: 'function-failed',
      detail: expect.stringMatching(/OverflowError/) as string,
    });
    const path = await make('Account', 'dan');
    expect(told(await coap('POST', `${path}/fail`))).toBe('function-failed');
    expect(told(await coap('GET', `${path}/limit`))).toBe('function-failed');
    expect(told(await coap('POST', `${path}/refuse`, [1]))).toBe('invalid-argument');
    expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 0]);
    await coap('DELETE', path);
  });

  test('lives in the one process of its library, and is lost with it', async () => {
    const path = await make('Account', 'finn');
    const [, same] = told(await coap('POST', `${path}/same`)) as [string, Value];
    expect(told(await coap('POST', `${path}/same`))).toEqual(['2.04', same]);
    expect([told(await coap('POST', '/func/bank/pid'))]).toEqual([['2.04', (same as number[])[0]]]);
    expect(told(await coap('POST', `${path}/end`))).toBe('worker-lost');
    expect(told(await coap('GET', `${path}/balance`))).toBe('object-lost');
    expect(told(await coap('GET', `${path}/balance`))).toBe('no-such-resource');
    const spun = await make('Account', 'gus');
    expect(told(await coap('POST', `${spun}/spin`))).toBe('time-limit');
    const gone = async (): Promise<unknown> => told(await coap('GET', `${spun}/balance`));
    await expect.poll(gone, { timeout: 10_000 }).toBe('no-such-resource');
    await coap('DELETE', await make('Account', 'hal'));
  });

  test('stays what it was made of when its library is edited', async () => {
    const path = await make('Account', 'ida', 3);
    const file = join(bench.gateway.folder, 'libraries', 'bank', 'bank.py');
    writeFileSync(file, readFileSync(file, 'utf8').replace('+= amount', '+= 100 * amount'));
    const edited = async (): Promise<unknown> => {
      const other = await make('Account', 'jo');
      const answer = told(await coap('POST', `${other}/deposit`, [1]));
      await coap('DELETE', other);
      return answer;
    };
    await expect.poll(edited, { timeout: 30_000 }).toEqual(['2.04', 100]);
    expect(told(await coap('POST', `${path}/deposit`, [1]))).toEqual(['2.04', 4]);
    await coap('DELETE', path);
  });
});

describe('a Python class', () => {
  test('is described with its constructor, methods, attributes and docstrings, inherited ones too', async () => {
    const { functions } = decodeCbor((await coap('GET', '/func/bank')).payload) as {
      functions: Record<string, { id?: number }>;
    };
    const idOfNamed = (name: string): number => functions[name]?.id ?? Infinity;
    expect(Object.keys(functions).sort((a, b) => idOfNamed(a) - idOfNamed(b))).toEqual([
      'Named',
      'Account',
      'Basket',
      'Guarded',
      'Abstract',
      'drawn',
      'draw',
      'plain',
      'pid',
      'Impossible',
    ]);
    expect(functions).toMatchObject({
      Account: { id: 1, title: 'An account of somebody.', class: true },
      Impossible: { notCallable: expect.stringMatching(/^its parameter '_key' begins/) as string },
    });
    // What dataclasses write for themselves is no docstring.
    expect(functions['Basket']).toEqual({ id: 2, class: true });
    const described = decodeCbor((await coap('GET', '/func/bank/Account?_describe')).payload);
    expect(described).toMatchObject({
      library: 'bank',
      class: 'Account',
      title: 'An account of somebody.',
      parameters: [
        { name: 'owner', type: 'string', required: true, doc: 'who pays' },
        { name: 'balance', default: 0 },
      ],
      methods: {
        deposit: {
          title: 'Puts money in.',
          parameters: [
            { name: 'amount', type: 'number', doc: 'how much' },
            { name: 'more', rest: true },
          ],
          returns: 'number',
        },
        report: { safe: true, title: 'What it is.', returns: 'string' },
        later: { returns: 'string' },
      },
      attributes: {
        owner: { title: 'whose it is', type: 'string', writable: true },
        balance: { title: 'What there is.', type: 'number' },
        currency: { type: 'string' },
        put: { type: 'number', writable: true, writeOnly: true },
      },
    });
    const { methods, attributes } = described as Record<'methods' | 'attributes', Record<string, Value>>;
    expect(Object.keys(attributes).sort()).toEqual(['balance', 'currency', 'first', 'limit', 'note', 'owner', 'put']);
    const shown = ['close', 'deposit', 'end', 'fail', 'kind', 'later', 'months', 'refuse', 'report', 'same', 'spin'];
    expect(Object.keys(methods).sort()).toEqual(shown);
    expect(attributes['currency']).not.toHaveProperty('writable');
    const path = await make('Account', 'kim');
    expect(decodeCbor((await coap('GET', path)).payload)).toEqual(described);
    await coap('DELETE', path);
  });

  test('that is a record, frozen, an Enum, an exception or a Protocol makes none: its instances are values', async () => {
    for (const name of ['Part', 'Money', 'Colour', 'Broken', 'Pair', 'Shape', '_Hidden', 'Impossible'])
      expect([name, dotted((await coap('POST', `/func/bank/${name}`, ['x'])).code)]).toEqual([name, '4.04']);
    expect(told(await coap('POST', '/func/bank/plain', [{ name: 'A' }]))).toEqual([
      '2.04',
      [{ name: 'A' }, { cents: 5 }],
    ]);
  });

  test('that is abstract makes none, and says so; objects of what extends it are known by it', async () => {
    const refused = await coap('POST', '/func/bank/Abstract?_why');
    expect([dotted(refused.code), decodeProblem(refused.payload)]).toMatchObject([
      '4.04',
      {
        name: 'not-callable',
        detail: 'No object is made of bank/Abstract: it is abstract (draw); make an object of a class that extends it.',
      },
    ]);
    const described = decodeCbor((await coap('GET', '/func/bank/Abstract?_describe')).payload);
    expect(described).toMatchObject({ parameters: [], attributes: { size: { writable: true } } });
    // A record of its fields makes none either.
    expect(told(await coap('POST', '/func/bank/draw', [{ size: 2 }]))).toBe('wrong-type');
    const path = valueOf(await coap('POST', '/func/bank/drawn')) as string;
    expect(told(await coap('POST', `${path}/twice`))).toEqual(['2.04', ['drawn', 'drawn']]);
    expect(told(await coap('POST', '/func/bank/draw', [path]))).toEqual(['2.04', 'drawn']);
    await coap('DELETE', path);
  });

  test('P7 of others makes objects where __all__ lists it, unchanged', async () => {
    const { functions } = decodeCbor((await coap('GET', '/func/third')).payload) as { functions: object };
    expect(Object.keys(functions).sort()).toEqual(['Template', 'Warehouse']);
    const made = await bench.make('third/Warehouse');
    expect(told(await coap('POST', `${made}/take`, ['chair']))).toEqual(['2.04', ['bike']]);
    const template = await bench.make('third/Template', ['$who is here']);
    expect(told(await coap('POST', `${template}/substitute`, { who: 'Ada' }))).toEqual(['2.04', 'Ada is here']);
    for (const path of [made, template]) expect(told(await coap('DELETE', path))).toEqual(['2.02', undefined]);
  });

  const mistakes: readonly (readonly [source: string, manifest: string, told: string])[] = [
    [
      'from funcoap import safe\n@safe\nclass A: pass\n',
      '',
      'lib.py:2: A is a class, and making an object of it is not safe; promise it of its methods.',
    ],
    [
      "class A:\n    __instance__ = 'many'\n",
      '',
      "lib.py:1: __instance__ of A is 'single', 'session' or 'percall'; write one of them, or remove it.",
    ],
    [
      "class A:\n    __instance__ = 'single'\n    def __init__(self, key, more=1): pass\n",
      '',
      'lib.py:3: A is one for all callers, so its constructor cannot need key; give that a default, or write another __instance__.',
    ],
    [
      'class A: pass\n',
      '{ "processes": 2 }',
      'funcoap.json allows 2 processes, and objects of A live in one: remove "processes", or let the names of classes begin with "_".',
    ],
    [
      'class A:\n    def f(self): pass\n',
      '{ "functions": { "A.g": { "safe": true } } }',
      'funcoap.json promises something of A.g, and lib.py has no such function; mend the name.',
    ],
    [
      'class A:\n    def f(self): pass\n',
      '{ "functions": { "A.f": { "maxAge": 5 } } }',
      'lib.py:2: only results of a pure function are cached; promise that A.f is pure, or remove maxAge.',
    ],
  ];
  test('with a mistake is told of in one sentence', async () => {
    const files = mistakes.flatMap(([source, manifest], i): (readonly [string, string])[] => [
      [`lib${i}/lib${i}.py`, source],
      ...(manifest === '' ? [] : ([[`lib${i}/funcoap.json`, manifest]] as const)),
    ]);
    const { registry } = await pythonFolder(Object.fromEntries(files));
    expect(registry.libraries().map(({ name, error }) => error?.replace(`${name}.py`, 'lib.py'))).toEqual(
      mistakes.map(([, , sentence]) => sentence),
    );
  });

  test('has its promises from decorators or the manifest, and says how many instances it has', async () => {
    const lib = await pythonFolder({
      'lib/lib.py': `
from funcoap import pure, time_limit
@time_limit(3)
class A:
    __instance__ = 'session'
    def f(self): pass
    @pure
    def g(self): pass
    @time_limit(2)
    def h(self): pass
    @property
    @time_limit(1)
    def p(self): return 1
class B(A):
    __instance__ = 'single'
    def g(self): pass
`,
      'lib/funcoap.json': '{ "functions": { "A.f": { "safe": true } } }',
    });
    const a = lib.registry.findClass('lib', 'A');
    expect([a?.instance, a?.timeLimit, lib.registry.findClass('lib', 'B')?.instance]).toEqual([
      'session',
      3000,
      'single',
    ]);
    expect(a?.members?.map(({ name, safe, timeLimit }) => [name, safe, timeLimit])).toEqual([
      ['f', true, undefined],
      ['g', true, undefined],
      ['h', false, 2000],
      ['p', true, 1000],
    ]);
    const b = lib.registry.findClass('lib', 'B');
    expect(b?.members?.map(({ name, safe }) => [name, safe])).toEqual([
      ['g', false],
      ['f', false],
      ['h', false],
      ['p', true],
    ]);
    expect(b?.timeLimit).toBe(undefined);
  });
});
