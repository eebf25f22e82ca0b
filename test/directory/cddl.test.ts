import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionCddl, typeCddl } from '../../src/directory/cddl.ts';
import type { DescribedType } from '../../src/directory/described.ts';
import { anyFunction, anyType } from './arbitrary-descriptions.ts';
import { isCddl } from './cddl-grammar.ts';
import { add, reset } from './sample.ts';

describe('the arguments and the result of a function', () => {
  it('are rules for each way to give arguments', () => {
    expect(functionCddl(add)).toBe(
      [
        '; math/add: Adds numbers',
        'arguments = by-name / by-id / by-position / only',
        'by-name = { a: number, ? b: (int .ge 0) .default 1, ? more: [* number] }',
        'by-id = { 0 => number, ? 1 => (int .ge 0) .default 1, ? 2 => [* number] }',
        'by-position = [ a: number, ? b: (int .ge 0) .default 1, * number ]',
        'only = number',
        'result = number',
        '',
      ].join('\n'),
    );
  });

  it('without parameters are an empty map or array', () => {
    expect(functionCddl(reset)).toBe(
      '; math/reset\narguments = by-name / by-position\nby-name = {}\nby-position = []\nresult = any\n',
    );
  });

  it('have no rule by id where one is not locked', () => {
    const [a, b] = add.parameters;
    if (!a || !b) throw new Error('add has parameters');
    expect(functionCddl({ ...add, parameters: [a, { ...b, id: undefined }] })).not.toContain('by-id');
  });

  it('have no rule for an only argument that could be a list of arguments', () => {
    const [a] = add.parameters;
    if (!a) throw new Error('add has a parameter');
    for (const kind of ['any', 'null'] as const) {
      expect(functionCddl({ ...add, parameters: [{ ...a, type: { kind } }] })).not.toContain('only');
    }
  });

  it('are CDDL, whatever the function', () => {
    fc.assert(
      fc.property(anyFunction, (fn) => {
        expect([functionCddl(fn), isCddl(functionCddl(fn))]).toEqual([functionCddl(fn), true]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a type', () => {
  it.each<[DescribedType, string]>([
    [{ kind: 'any' }, 'any'],
    [{ kind: 'null' }, 'null'],
    [{ kind: 'boolean' }, 'bool'],
    [{ kind: 'number' }, 'number'],
    [{ kind: 'number', minimum: 0.5 }, 'number .ge 0.5'],
    [{ kind: 'number', minimum: 0, maximum: 1e21 }, '(number .ge 0) .le 1e+21'],
    [{ kind: 'integer' }, 'int'],
    [{ kind: 'integer', minimum: -1, maximum: 255 }, '-1..255'],
    [{ kind: 'integer', maximum: 255 }, 'int .le 255'],
    [{ kind: 'bigint' }, 'integer'],
    [{ kind: 'string' }, 'tstr'],
    [{ kind: 'string', minLength: 0 }, 'tstr'],
    [{ kind: 'string', minLength: 1, maxLength: 8 }, String.raw`tstr .regexp "[\\s\\S]{1,8}"`],
    [{ kind: 'bytes' }, 'bstr'],
    [{ kind: 'date' }, 'time'],
    [{ kind: 'literal', value: 'a"b\n' }, String.raw`"a\"b\n"`],
    [{ kind: 'literal', value: -0 }, '0'],
    [{ kind: 'literal', value: true }, 'true'],
    [{ kind: 'instance', class: 'Account' }, '#6.39(tstr .regexp "/o/[A-Za-z0-9_-]{8}")'],
    [{ kind: 'union', options: [{ kind: 'string' }, { kind: 'null' }] }, '(tstr / null)'],
    [{ kind: 'array', items: { kind: 'integer', minimum: 0 } }, '[* int .ge 0]'],
    [{ kind: 'tuple', items: [{ kind: 'number' }, { kind: 'string' }] }, '[ number, tstr ]'],
    [
      {
        kind: 'object',
        properties: {
          'a': { type: { kind: 'number' }, required: true },
          'two words': { type: { kind: 'string' }, required: false },
        },
        additional: { kind: 'any' },
      },
      '{ a: number, ? "two words": tstr, * tstr => any }',
    ],
    [{ kind: 'object', properties: {}, additional: undefined }, '{}'],
  ])('%j', (type, cddl) => {
    expect(typeCddl(type)).toBe(cddl);
  });

  it('is CDDL, whatever it is', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect([typeCddl(type), isCddl(`type = ${typeCddl(type)}\n`)]).toEqual([typeCddl(type), true]);
      }),
      { numRuns: 500 },
    );
  });

  it('the grammar refuses what is not CDDL', () => {
    for (const text of ['a = ', 'a = [', 'a = b c', 'a = int .ge 0 .le 5', 'a = "\u007f"', 'a = { x y }=', 'a = -.5']) {
      expect([text, isCddl(`${text}\n`)]).toEqual([text, false]);
    }
  });
});
