/** Parameters as only Python has them: by name alone, and those that take every other name. */
import { describe, expect, it } from 'vitest';
import { bind } from '../../src/functions/binding.ts';
import type { FunctionDescription, ParameterDescription, ValueType } from '../../src/functions/description.ts';
import { body, failure, query } from './arguments.ts';
import { functionOf } from './functions-of.ts';

const parameter = (name: string, id: number, more: Partial<ParameterDescription> = {}): ParameterDescription => ({
  name,
  id,
  type: { kind: 'any' },
  required: false,
  rest: false,
  doc: undefined,
  ...more,
});

const othersOf = (additional: ValueType): Partial<ParameterDescription> => ({
  keyword: true,
  others: true,
  type: { kind: 'object', properties: {}, additional },
});

/** `def f(a, *more, b, **others)` */
const f: FunctionDescription = {
  ...functionOf('export function f() {}'),
  parameters: [
    parameter('a', 0, { required: true }),
    parameter('b', 1, { keyword: true, type: { kind: 'number' } }),
    parameter('others', 2, othersOf({ kind: 'number' })),
    parameter('more', 3, { rest: true, type: { kind: 'array', items: { kind: 'any' } } }),
  ],
};
const keywordOnly: FunctionDescription = { ...f, parameters: f.parameters.slice(0, 2) };

describe('a parameter by name alone', () => {
  it('is not filled by position: what comes after goes to the rest', () => {
    expect(bind(f, body([1, 2, 3]))).toEqual([1, undefined, undefined, 2, 3]);
    expect(bind(f, body({ a: 1, b: 2, more: [3] }))).toEqual([1, 2, undefined, 3]);
    expect(bind(f, query('a=1', 'b=2'))).toEqual(['1', 2]);
  });

  it('leaves no room for more positions', () => {
    expect(failure(keywordOnly, body([1, 2])).code).toBe('too-many-arguments');
    expect(bind(keywordOnly, body({ a: 1, b: 2 }))).toEqual([1, 2]);
  });
});

describe('a parameter that takes every other name', () => {
  it('takes them from a map and a query, beside those under its own name', () => {
    expect(bind(f, body({ a: 1, x: 5, y: 6 }))).toEqual([1, undefined, { x: 5, y: 6 }]);
    expect(bind(f, body({ a: 1, x: 5, others: { y: 6 } }))).toEqual([1, undefined, { y: 6, x: 5 }]);
    expect(bind(f, query('a=1', 'x=5'))).toEqual(['1', undefined, { x: 5 }]);
    expect(
      bind(
        f,
        body(
          new Map<string | number, number>([
            [0, 1],
            ['x', 5],
          ]),
        ),
      ),
    ).toEqual([1, undefined, { x: 5 }]);
    expect(bind(f, body({ a: 1, ['__proto__']: 5 }))[2]).toHaveProperty('__proto__', 5);
  });

  it('checks their type, and refuses one that is given twice', () => {
    expect(failure(f, body({ a: 1, x: 'text' })).code).toBe('wrong-type');
    expect(failure(f, query('a=1', 'x=text')).code).toBe('wrong-type');
    expect(failure(f, body({ a: 1, x: 5, others: { x: 6 } })).code).toBe('unexpected-argument');
    expect(failure(f, body({ a: 1, x: 5, others: 6 })).code).toBe('wrong-type');
  });

  it('takes no keys that are neither names nor ids', () => {
    expect(
      failure(
        f,
        body(
          new Map<number, number>([
            [0, 1],
            [99, 5],
          ]),
        ),
      ).code,
    ).toBe('unexpected-argument');
  });
});
