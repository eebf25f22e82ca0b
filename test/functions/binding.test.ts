import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { CallError } from '../../src/functions/call-error.ts';
import { bind, type ArgumentInput } from '../../src/functions/binding.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import type { Value } from '../../src/core/value.ts';
import { functionOf } from './functions-of.ts';

const body = (value: Value): ArgumentInput => ({ kind: 'body', value });
const query = (...items: string[]): ArgumentInput => ({ kind: 'query', items });
const none: ArgumentInput = { kind: 'none' };

function failure(fn: FunctionDescription, input: ArgumentInput): CallError {
  try {
    bind(fn, input);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('it binds');
}

const add = functionOf('export function add(a: number, b: number) {}');
const list = functionOf("export function list(file = 'os.db', limit?: number) {}");
const total = functionOf('export function total(base: number, ...xs: number[]) {}');

describe('forms of a call', () => {
  test('a map is by name, in any order', () => {
    expect(bind(add, body({ b: 2, a: 1 }))).toEqual([1, 2]);
    expect(
      bind(
        add,
        body(
          new Map<Value, Value>([
            ['b', 2],
            ['a', 1],
          ]),
        ),
      ),
    ).toEqual([1, 2]);
  });

  test('integer keys are locked ids, also as the text that JSON makes of them', () => {
    expect(
      bind(
        add,
        body(
          new Map<Value, Value>([
            [1, 2],
            [0, 1],
          ]),
        ),
      ),
    ).toEqual([1, 2]);
    expect(bind(add, body({ '1': 2, '0': 1 }))).toEqual([1, 2]);
    expect(
      bind(
        add,
        body(
          new Map<Value, Value>([
            [1, 2],
            ['a', 1],
          ]),
        ),
      ),
    ).toEqual([1, 2]);
  });

  test('ids are the locked ones, not positions', () => {
    const moved = { ...add, parameters: add.parameters.map((p) => ({ ...p, id: p.name === 'a' ? 7 : 3 })) };
    expect(
      bind(
        moved,
        body(
          new Map<Value, Value>([
            [3, 2],
            [7, 1],
          ]),
        ),
      ),
    ).toEqual([1, 2]);
    expect(failure(moved, body(new Map<Value, Value>([[0, 1]]))).code).toBe('unexpected-argument');
  });

  test('a function without locked ids is not called by id', () => {
    const unlocked = { ...add, parameters: add.parameters.map((p) => ({ ...p, id: undefined })) };
    expect(failure(unlocked, body(new Map<Value, Value>([[0, 1]]))).code).toBe('unexpected-argument');
  });

  test('an array is by position', () => {
    expect(bind(add, body([1, 2]))).toEqual([1, 2]);
  });

  test('a scalar is the only argument', () => {
    const any = functionOf('export function f(a: unknown) {}');
    for (const value of [5, 5n, 'text', true, null, new Uint8Array([1]), new Date(0)])
      expect(bind(any, body(value))).toEqual([value]);
  });

  test('no body, and a body that is undefined, are no arguments', () => {
    expect(bind(list, none)).toEqual(['os.db']);
    expect(bind(list, body(undefined))).toEqual(['os.db']);
    expect(bind(list, query())).toEqual(['os.db']);
    expect(bind(list, body([]))).toEqual(['os.db']);
    expect(bind(list, body({}))).toEqual(['os.db']);
  });

  test('a query is read by the declared types', () => {
    expect(bind(add, query('b=2', 'a=1.0'))).toEqual([1, 2]);
    expect(bind(add, query('1=2', '0=1'))).toEqual([1, 2]);
  });
});

describe('defaults', () => {
  test('an omitted argument, undefined and the default are one call', () => {
    for (const input of [
      none,
      body({ file: 'os.db' }),
      body([undefined]),
      body({ file: undefined }),
      body('os.db'),
      query('file=os.db'),
    ]) {
      expect(bind(list, input)).toEqual(['os.db']);
    }
  });

  test('null is a value, not an omission', () => {
    expect(failure(list, body([null])).code).toBe('wrong-type');
  });

  test('what is omitted in the middle is undefined, at the end it is left off', () => {
    const f = functionOf('export function f(a?: number, b?: number, c?: number) {}');
    expect(bind(f, body({ b: 2 }))).toEqual([undefined, 2]);
    expect(bind(f, body([1, undefined, undefined]))).toEqual([1]);
    expect(bind(f, none)).toEqual([]);
  });

  test('a default that only the code knows is left to the function', () => {
    expect(bind(functionOf('export function f(a = new Date(), b = 1) {}'), none)).toEqual([undefined, 1]);
  });

  test('a default is a fresh copy for every call', () => {
    const f = functionOf('export function f(xs = [1]) {}');
    const [first] = bind(f, none);
    (first as Value[]).push(2);
    expect(bind(f, none)).toEqual([[1]]);
  });

  test('a default is canonical too', () => {
    expect(Object.is(bind(functionOf('export function f(a = -0) {}'), none)[0], 0)).toBe(true);
  });
});

describe('rest parameters', () => {
  test('take what is left by position, an array by name, repeated names in a query', () => {
    for (const input of [
      body([1, 2, 3]),
      body({ base: 1, xs: [2, 3] }),
      body(
        new Map<Value, Value>([
          [0, 1],
          [1, [2, 3]],
        ]),
      ),
      query('base=1', 'xs=2', 'xs=3'),
      query('base=1', 'xs=[2,3]'),
    ]) {
      expect(bind(total, input)).toEqual([1, 2, 3]);
    }
    for (const input of [body([1]), body(1), body({ base: 1 }), body({ base: 1, xs: [] }), query('base=1')]) {
      expect(bind(total, input)).toEqual([1]);
    }
  });

  test('errors name the item', () => {
    expect(failure(total, body([1, 2, 'x'])).message).toBe('xs[1] must be a number, got text.');
  });

  test('after an omitted optional parameter the place stays', () => {
    const f = functionOf('export function f(a?: number, ...xs: number[]) {}');
    expect(bind(f, body({ xs: [2] }))).toEqual([undefined, 2]);
    expect(bind(f, body({ xs: [] }))).toEqual([]);
  });

  test('are bounded', () => {
    const many = Array.from({ length: 200_000 }, () => 1);
    expect(failure(total, body(many)).code).toBe('too-many-arguments');
    expect(failure(total, body({ base: 1, xs: many })).code).toBe('too-many-arguments');
    expect(bind(total, body(many.slice(0, 10_001)))).toHaveLength(10_001);
  });
});

describe('one parameter that is a list or an object', () => {
  const sum = functionOf('export function sum(xs: number[]) {}');
  const point = functionOf('export function point({ x, y = 1 }: { x: number; y?: number }) {}');

  test('an array is by position also here: one list is nested or named', () => {
    expect(bind(sum, body([[1, 2]]))).toEqual([[1, 2]]);
    expect(bind(sum, body({ xs: [1, 2] }))).toEqual([[1, 2]]);
    const error = failure(sum, body([1, 2]));
    expect(error.code).toBe('too-many-arguments');
    expect(error.message).toMatch(/put it in another array or name it/);
  });

  test('a map is the object itself', () => {
    expect(bind(point, body({ x: 1, y: 2 }))).toEqual([{ x: 1, y: 2 }]);
    expect(bind(point, body(new Map<Value, Value>([['x', 1]])))).toEqual([{ x: 1 }]);
    expect(failure(point, body({})).message).toBe('options.x is missing; it must be a number.');
  });

  test('unless its one key is the name or the id of the parameter', () => {
    expect(bind(point, body({ options: { x: 1 } }))).toEqual([{ x: 1 }]);
    expect(bind(point, body(new Map<Value, Value>([[0, { x: 1 }]])))).toEqual([{ x: 1 }]);
    expect(bind(point, body([{ x: 1 }]))).toEqual([{ x: 1 }]);
  });

  test('in a query its members are named directly, or it is JSON', () => {
    expect(bind(point, query('x=1', 'y=2'))).toEqual([{ x: 1, y: 2 }]);
    expect(bind(point, query('options={"x":1,"y":2}'))).toEqual([{ x: 1, y: 2 }]);
    expect(failure(point, query('x=1', 'z=2')).code).toBe('unknown-query');
    expect(failure(point, query('x=one')).message).toBe('options.x must be a number, got text.');
  });

  test('of two parameters neither is meant by the map', () => {
    const f = functionOf('export function f(o: { x: number }, b?: number) {}');
    expect(failure(f, body({ x: 1 })).code).toBe('unexpected-argument');
  });

  test('an undeclared only parameter is by name', () => {
    const f = functionOf('export function f(a) {}', 'index.js');
    expect(bind(f, body({ a: { x: 1 } }))).toEqual([{ x: 1 }]);
    expect(failure(f, body({ x: 1 })).code).toBe('unexpected-argument');
  });
});

describe('errors', () => {
  test('a missing argument names parameter, id and type', () => {
    const error = failure(add, body({ a: 1 }));
    expect(error.code).toBe('missing-argument');
    expect(error.problem.status).toBe(0x96);
    expect(error.details).toMatchObject({ parameter: { name: 'b', id: 1 }, expected: { kind: 'number' } });
    expect(error.message).toBe("add needs 'b': it takes a, b.");
  });

  test('an unexpected argument suggests what may be meant', () => {
    const error = failure(list, body({ flie: 'x' }));
    expect(error.code).toBe('unexpected-argument');
    expect(error.message).toBe("list has no parameter 'flie'; did you mean 'file'?");
    expect(failure(add, body({ a: 1, b: 2, c: 3 })).message).toBe("add has no parameter 'c'; it takes a, b.");
    expect(failure(functionOf('export function f() {}'), body({ x: 1 })).message).toBe(
      "f has no parameter 'x'; it takes no arguments.",
    );
  });

  test('too many arguments are counted', () => {
    const error = failure(add, body([1, 2, 3]));
    expect(error.code).toBe('too-many-arguments');
    expect(error.message).toBe('add got 3 arguments; it takes a, b.');
    expect(failure(functionOf('export function f() {}'), body(1)).code).toBe('too-many-arguments');
  });

  test('a wrong type names parameter and id', () => {
    const error = failure(add, body({ a: 1, b: 'x' }));
    expect(error.code).toBe('wrong-type');
    expect(error.details).toMatchObject({ parameter: { name: 'b', id: 1 }, expected: { kind: 'number' } });
    expect(error.message).toBe('b must be a number, got text.');
  });

  test('one parameter by name and by id is an error', () => {
    expect(
      failure(
        add,
        body(
          new Map<Value, Value>([
            ['a', 1],
            [0, 1],
            ['b', 2],
          ]),
        ),
      ).message,
    ).toMatch(/'a' twice/);
  });

  test('names that objects inherit are just unexpected', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const error = failure(add, body(JSON.parse(`{"a": 1, "b": 2, "${name}": {"polluted": 1}}`) as Value));
      expect(error.code).toBe('unexpected-argument');
      expect(error.details.parameter).toEqual({ name, id: undefined });
      expect(failure(add, query('a=1', 'b=2', `${name}=1`)).code).toBe('unknown-query');
      expect(failure(functionOf('export function f(o: { x: number }) {}'), query('x=1', `${name}=1`)).code).toBe(
        'unknown-query',
      );
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('keys that are neither text nor small integers are unexpected', () => {
    for (const key of [1.5, -1, 99, 2n ** 60n, true, null, [1]]) {
      expect(failure(add, body(new Map<Value, Value>([[key, 1]]))).code).toBe('unexpected-argument');
    }
  });

  test('never carry much of what a peer sent', () => {
    const long = 'x'.repeat(100_000);
    expect(failure(add, body({ [long]: 1 })).message.length).toBeLessThan(120);
    expect(failure(add, query(`${long}=1`)).message.length).toBeLessThan(120);
  });
});

describe('query text', () => {
  const typed = (type: string): FunctionDescription => functionOf(`export function f(a: ${type}) {}`);
  const untyped = functionOf('export function f(a) {}', 'index.js');

  test.each<[string, string, Value]>([
    ['number', 'a=-1.5e3', -1500],
    ['number', 'a=+.5', 0.5],
    ['number', 'a=-0', 0],
    ['boolean', 'a', true],
    ['boolean', 'a=true', true],
    ['boolean', 'a=0', false],
    ['string', 'a=10', '10'],
    ['string', 'a=', ''],
    ['string', 'a=b=c', 'b=c'],
    ['bigint', 'a=123456789012345678901', 123456789012345678901n],
    ['Uint8Array', 'a=AAEC', new Uint8Array([0, 1, 2])],
    ['Date', 'a=2026-01-31T12:00:00+01:00', new Date('2026-01-31T11:00:00Z')],
    ['number[]', 'a=1', [1]],
    ['number[]', 'a=[1,2]', [1, 2]],
    ['number[]', 'a=[]', []],
    ['string[]', 'a=x', ['x']],
    ['[number, string]', 'a=[1,"x"]', [1, 'x']],
    ['{ when: Date }', 'a={"when":"2026-01-31T12:00:00Z"}', { when: new Date('2026-01-31T12:00:00Z') }],
    ["'x' | 'y'", 'a=y', 'y'],
    ['1 | 2', 'a=2.0', 2],
    ['string | number', 'a=10', 10],
    ['string | number', 'a=ten', 'ten'],
    ['string | null', 'a=null', 'null'],
    ['number | null', 'a=null', null],
    ['boolean | string', 'a=true', true],
    ['boolean | string', 'a', true],
  ])('%s: %s', (type, item, expected) => {
    expect(bind(typed(type), query(item))).toEqual([expected]);
  });

  test('is text where nothing is declared', () => {
    expect(bind(untyped, query('a=10'))).toEqual(['10']);
  });

  test('a repeated name makes a list where one is declared', () => {
    expect(bind(typed('number[]'), query('a=1', 'a=2'))).toEqual([[1, 2]]);
    expect(bind(typed('string | string[]'), query('a=x', 'a=y'))).toEqual([['x', 'y']]);
    expect(bind(typed('boolean[]'), query('a', 'a=false'))).toEqual([[true, false]]);
    expect(bind(typed('[number, string]'), query('a=1', 'a=2'))).toEqual([[1, '2']]);
  });

  test('a repeated or bare name is 4.00 anywhere else, and so is an unknown one', () => {
    for (const [fn, input] of [
      [typed('number'), query('a=1', 'a=2')],
      [typed('number'), query('a')],
      [typed('string'), query('a')],
      [untyped, query('a')],
      [typed('number'), query('a=1', 'z=2')],
      [typed('number'), query('')],
      [add, query('a=1', '0=1', 'b=2')],
    ] as const) {
      const error = failure(fn, input);
      expect([error.code, error.problem.status]).toEqual(['unknown-query', 0x80]);
    }
    expect(failure(list, query('fiel=x')).message).toMatch(/did you mean 'file'\?$/);
  });

  test.each([
    ['number', 'a=ten'],
    ['number', 'a='],
    ['number', 'a=0x10'],
    ['number', 'a=Infinity'],
    ['number', 'a=1e999'],
    ['boolean', 'a=yes'],
    ['Uint8Array', 'a=*'],
    ['Date', 'a=today'],
    ['bigint', 'a=1.5'],
    ['number[]', 'a=[1'],
    ['number[]', 'a=x'],
    ['{ x: number }', 'a={x}'],
    ["'x' | 'y'", 'a=z'],
  ])('%s: %s has the wrong type (4.22)', (type, item) => {
    const error = failure(typed(type), query(item));
    expect([error.code, error.problem.status]).toEqual(['wrong-type', 0x96]);
    expect(error.details.parameter).toEqual({ name: 'a', id: 0 });
  });
});

test('all forms of a call give equal arguments', () => {
  const f = functionOf("export function f(a: number, b = 'x', c?: boolean, d: number[] = [1]) {}");
  const call = fc.record(
    {
      a: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      b: fc.string(),
      c: fc.boolean(),
      d: fc.array(fc.integer(), { maxLength: 4 }),
    },
    { requiredKeys: ['a'] },
  );
  fc.assert(
    fc.property(call, fc.boolean(), (args, spellOut) => {
      const named: Record<string, Value> = spellOut ? { b: 'x', d: [1], ...args } : { ...args };
      const names = ['a', 'b', 'c', 'd'];
      const expected = bind(f, body({ b: 'x', d: [1], ...args }));
      const byId = new Map<number, Value>(Object.entries(named).map(([name, value]) => [names.indexOf(name), value]));
      const items = Object.entries(named).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const forms: Value[] = [
        named,
        new Map<Value, Value>(Object.entries(named).toReversed()),
        byId,
        Object.fromEntries([...byId].map(([id, value]) => [String(id), value])),
        names.map((name) => named[name]),
        JSON.parse(JSON.stringify(named)) as Value,
      ];
      for (const form of forms) expect(bind(f, body(form))).toStrictEqual(expected);
      expect(bind(f, query(...items))).toStrictEqual(expected);
    }),
  );
});

test('whatever arrives either binds or is a CallError', () => {
  const functions = [
    add,
    list,
    total,
    functionOf('export function f({ x, y = 1 }: { x: number; y?: string | number }) {}'),
    functionOf('export function g(a: Date | Uint8Array | [number, bigint], b?: { k: string[] }) {}'),
  ];
  const value = fc.anything({
    withBigInt: true,
    withMap: true,
    withDate: true,
    withTypedArray: false,
  }) as fc.Arbitrary<Value>;
  fc.assert(
    fc.property(
      fc.constantFrom(...functions),
      fc.oneof(
        value.map(body),
        fc.array(fc.string()).map((items) => query(...items)),
      ),
      (fn, input) => {
        try {
          expect(Array.isArray(bind(fn, input))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CallError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
