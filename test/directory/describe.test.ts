import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { decodeRepresentation, encodeRepresentation } from '../../src/cbor/representation.ts';
import { PeerError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import { directoryValue, functionValue, libraryValue } from '../../src/directory/describe.ts';
import { isClass } from '../../src/directory/described.ts';
import { readDirectory, readFunction, readLibrary } from '../../src/directory/read-description.ts';
import { readType, typeValue } from '../../src/directory/type-value.ts';
import { anyClass, anyFunction, anyType } from './arbitrary-descriptions.ts';
import { add, broken, math, matrix, reset } from './sample.ts';

/** As it comes out at the other end. */
const sent = (value: Value, format: number): Value => decodeRepresentation(encodeRepresentation(value, format), format);

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

const formats = [contentFormat.cbor, contentFormat.json];

describe('GET /func', () => {
  it('is the libraries by name', () => {
    expect(directoryValue([math, broken])).toEqual({
      'math': { id: 2, title: 'Arithmetic', functions: 3 },
      'weather station': { functions: 0, error: 'index.ts:3: unexpected token' },
    });
  });

  it.each(formats)('is read back from format %i', (format) => {
    expect(readDirectory(sent(directoryValue([math, broken]), format))).toEqual([
      { name: 'math', id: 2, title: 'Arithmetic', functions: 3, error: undefined },
      { name: 'weather station', id: undefined, title: undefined, functions: 0, error: 'index.ts:3: unexpected token' },
    ]);
  });
});

describe('GET /func/{library}', () => {
  it('is the functions and classes by name, what cannot be called with the reason', () => {
    expect(libraryValue(math)).toEqual({
      id: 2,
      title: 'Arithmetic',
      functions: {
        add: { id: 0, title: 'Adds numbers', safe: true, pure: true },
        reset: { id: 1 },
        Matrix: { id: 5, title: 'A matrix', class: true },
        steps: { id: 6, notCallable: 'it is not safe' },
      },
    });
    expect(libraryValue(broken)).toEqual({ functions: {}, error: 'index.ts:3: unexpected token' });
  });

  it.each(formats)('is read back from format %i', (format) => {
    const none = { title: undefined, safe: false, pure: false, notCallable: undefined };
    expect(readLibrary(sent(libraryValue(math), format))).toEqual([
      { ...none, name: 'Matrix', id: 5, title: 'A matrix', class: true },
      { ...none, name: 'add', id: 0, title: 'Adds numbers', safe: true, pure: true },
      { ...none, name: 'reset', id: 1 },
      { ...none, name: 'steps', id: 6, notCallable: 'it is not safe' },
    ]);
  });
});

describe('?_describe', () => {
  it('says what there is to say', () => {
    expect(functionValue(add)).toEqual({
      library: 'math',
      method: 'add',
      ids: [2, 0],
      title: 'Adds numbers',
      doc: 'Adds numbers\n\nAs many as there are.',
      safe: true,
      pure: true,
      maxAge: 60,
      parameters: [
        { name: 'a', id: 0, type: 'number', required: true, doc: 'The first one' },
        { name: 'b', id: 1, type: { kind: 'integer', minimum: 0 }, default: 1 },
        { name: 'more', id: 2, type: { kind: 'array', items: 'number' }, rest: true },
      ],
      returns: 'number',
    });
    expect(functionValue(reset)).toEqual({ library: 'math', method: 'reset', ids: [2, 1], parameters: [] });
  });

  it('says a default of false or null, too', () => {
    const [a] = add.parameters;
    if (!a) throw new Error('add has a parameter');
    for (const assumed of [false, null, 0, '']) {
      const value = functionValue({ ...add, parameters: [{ ...a, default: assumed }] });
      expect(readFunction(value).parameters[0]?.default).toBe(assumed);
    }
  });

  it('is small: the description of three parameters with their words in 300 bytes of CBOR', () => {
    expect(encodeRepresentation(functionValue(add), contentFormat.cbor).length).toBeLessThanOrEqual(300);
  });

  it.each(formats)('is read back from format %i', (format) => {
    fc.assert(
      fc.property(anyFunction, (fn) => {
        expect(readFunction(sent(functionValue(fn), format))).toEqual(fn);
      }),
    );
  });

  it('of a class says what its objects offer', () => {
    expect(functionValue(matrix)).toEqual({
      library: 'math',
      class: 'Matrix',
      ids: [2, 5],
      title: 'A matrix',
      instance: 'session',
      parameters: [{ name: 'size', id: 0, type: 'number', required: true }],
      methods: {
        at: { safe: true, parameters: [{ name: 'row', type: 'number', required: true }], returns: 'number' },
        rows: { title: 'Rows', doc: 'Rows\n\nOne by one.', safe: true, stream: true, parameters: [] },
      },
      attributes: { size: { type: 'number' }, seed: { type: 'number', writable: true, writeOnly: true } },
    });
  });

  it.each(formats)('of a class is read back from format %i', (format) => {
    fc.assert(
      fc.property(anyClass, (of) => {
        // A map has no order of its own.
        const { members = [], ...read } = readFunction(sent(functionValue(of), format));
        expect({ ...read, members: members.toSorted(byName) }).toEqual({ ...of, members: of.members.toSorted(byName) });
      }),
    );
    const read = readFunction(sent(functionValue({ ...matrix, notCallable: undefined }), format));
    expect({ ...read, members: read.members?.map(({ name }) => name).sort() }).toMatchObject({
      method: 'Matrix',
      notCallable: undefined,
      members: ['at', 'rows', 'seed', 'size'],
    });
    expect(isClass(read) && !isClass(add)).toBe(true);
  });

  it.each(formats)('types are read back from format %i', (format) => {
    fc.assert(
      fc.property(anyType, (type) => {
        expect(readType(sent(typeValue(type), format))).toEqual(type);
      }),
    );
  });

  it('a kind of a newer gateway is any', () => {
    expect(readType('complex')).toEqual({ kind: 'any' });
    expect(readType({ kind: 'complex', real: 'number' })).toEqual({ kind: 'any' });
  });
});

describe('an answer that is no description is refused', () => {
  it.each<[string, () => unknown]>([
    ['a list of libraries that is an array', () => readDirectory([])],
    ['a library that is a number', () => readDirectory({ math: 1 })],
    ['a library without functions', () => readLibrary({})],
    ['an id that is text', () => readLibrary({ functions: { add: { id: '0' } } })],
    ['an id below 0', () => readLibrary({ functions: { add: { id: -1 } } })],
    ['a function without parameters', () => readFunction({ library: 'a', method: 'b' })],
    ['a parameter without a type', () => readFunction({ library: 'a', method: 'b', parameters: [{ name: 'x' }] })],
    ['a class without methods', () => readFunction({ library: 'a', class: 'B', parameters: [], attributes: {} })],
    ['a class without attributes', () => readFunction({ library: 'a', class: 'B', parameters: [], methods: {} })],
    ['a map whose keys are numbers', () => readFunction(new Map([[1, 2]]))],
    ['bytes', () => readFunction(new Uint8Array(3))],
    ['what only every object inherits', () => readType({ kind: 'array' })],
    ['a literal without a value', () => readType({ kind: 'literal' })],
    [
      'a type that is too deep',
      () => {
        let type: Value = 'any';
        for (let depth = 0; depth < 40; depth++) type = { kind: 'array', items: type };
        return readType(type);
      },
    ],
  ])('%s', (_, read) => {
    expect(read).toThrow(PeerError);
  });
});
