import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import { add, body, failure, list, query } from './arguments.ts';
import { functionOf } from './functions-of.ts';

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
