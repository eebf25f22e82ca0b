import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import { bind } from '../../src/functions/binding.ts';
import { add, body, failure, list, none, query, total } from './arguments.ts';
import { functionOf } from './functions-of.ts';

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
