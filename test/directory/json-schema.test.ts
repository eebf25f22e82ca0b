import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { decodeRepresentation, encodeRepresentation } from '../../src/cbor/representation.ts';
import type { DescribedType } from '../../src/directory/described.ts';
import { parametersSchema, typeSchema } from '../../src/directory/json-schema.ts';
import { anyFunction, anyType } from './arbitrary-descriptions.ts';
import { schemaFault } from './schema-fault.ts';
import { add } from './sample.ts';

describe("the schema of a function's arguments", () => {
  it('is an object by name that refuses other names', () => {
    expect(parametersSchema(add)).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Adds numbers',
      description: 'Adds numbers\n\nAs many as there are.',
      type: 'object',
      properties: {
        a: { type: 'number', description: 'The first one' },
        b: { type: 'integer', minimum: 0, default: 1 },
        more: { type: 'array', items: { type: 'number' } },
      },
      required: ['a'],
      additionalProperties: false,
    });
  });

  it('is valid for every function, as it is sent', () => {
    fc.assert(
      fc.property(anyFunction, (fn) => {
        const sent = decodeRepresentation(
          encodeRepresentation(parametersSchema(fn), contentFormat.json),
          contentFormat.json,
        );
        expect(schemaFault(sent)).toBeUndefined();
      }),
    );
  });
});

describe('the schema of a type', () => {
  it('is valid for every type', () => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(schemaFault(typeSchema(type))).toBeUndefined();
      }),
    );
  });

  const object: DescribedType = {
    kind: 'object',
    properties: { a: { type: { kind: 'number' }, required: true }, b: { type: { kind: 'string' }, required: false } },
    additional: undefined,
  };

  it.each<[DescribedType, unknown[], unknown[]]>([
    [{ kind: 'any' }, [1, 'x', null, [], {}], []],
    [{ kind: 'null' }, [null], [0, 'null']],
    [{ kind: 'boolean' }, [true], [1, 'true']],
    [{ kind: 'number', minimum: 0, maximum: 1.5 }, [0, 1.5], [-0.1, 1.6, '1']],
    [{ kind: 'integer', maximum: 10 }, [-5, 10], [1.5, 11]],
    [{ kind: 'string', minLength: 1, maxLength: 2 }, ['a', 'ab'], ['', 'abc', 1]],
    [{ kind: 'bytes' }, ['', '3q2-7w', '3q2-7w=='], ['+/', 1]],
    [{ kind: 'date' }, ['2026-01-31T12:00:00Z'], ['yesterday', 1]],
    [{ kind: 'literal', value: 'clock' }, ['clock'], ['date']],
    [
      { kind: 'instance', class: 'Account' },
      ['/o/3kP0aZ_q'],
      ['3kP0aZ_q', '/o/3kP0aZ', '/o/3kP0aZ_q/x', 'x/o/3kP0aZ_q', {}],
    ],
    [{ kind: 'union', options: [{ kind: 'string' }, { kind: 'null' }] }, ['x', null], [1]],
    [{ kind: 'array', items: { kind: 'number' } }, [[], [1, 2]], [['x'], 1]],
    [{ kind: 'tuple', items: [{ kind: 'number' }, { kind: 'string' }] }, [[1, 'x']], [[1], [1, 'x', 2], ['x', 1]]],
    [object, [{ a: 1 }, { a: 1, b: 'x' }], [{}, { a: 'x' }, { a: 1, c: 2 }]],
    [{ ...object, additional: { kind: 'null' } }, [{ a: 1, c: null }], [{ a: 1, c: 2 }]],
  ])('%j takes what fits and refuses what does not', (type, fitting, wrong) => {
    const schema = z.fromJSONSchema({ ...typeSchema(type) });
    for (const value of fitting) expect([value, schema.safeParse(value).success]).toEqual([value, true]);
    for (const value of wrong) expect([value, schema.safeParse(value).success]).toEqual([value, false]);
  });

  it('of a large integer takes decimal text and numbers', () => {
    expect(typeSchema({ kind: 'bigint' })).toEqual({ type: ['string', 'integer'], pattern: '^[+-]?[0-9]+$' });
  });

  it('of a union of nothing takes nothing', () => {
    expect(typeSchema({ kind: 'union', options: [] })).toEqual({ not: {} });
  });
});
