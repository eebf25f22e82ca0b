/** Libraries as they are described by functions/: that they can be handed over is itself a test of the interface. */
import { seconds } from '../../src/core/duration.ts';
import type { FunctionDescription, LibraryDescription, ParameterDescription } from '../../src/functions/description.ts';

const number = (name: string, id: number, more: Partial<ParameterDescription> = {}): ParameterDescription => ({
  name,
  id,
  type: { kind: 'number' },
  required: true,
  rest: false,
  doc: undefined,
  ...more,
});

const describeFunction = (
  method: string,
  id: number,
  more: Partial<FunctionDescription> = {},
): FunctionDescription => ({
  library: 'math',
  method,
  libraryId: 2,
  id,
  version: 'v1',
  parameters: [number('a', 0), number('b', 1)],
  returns: { kind: 'number' },
  title: undefined,
  doc: undefined,
  safe: true,
  pure: true,
  maxAge: seconds(60),
  staleWhileRevalidate: seconds(0),
  shared: false,
  inline: false,
  timeLimit: undefined,
  notCallable: undefined,
  ...more,
});

export const add: FunctionDescription = describeFunction('add', 0, {
  title: 'Adds numbers',
  doc: 'Adds numbers\n\nAs many as there are.',
  parameters: [
    number('a', 0, { doc: 'The first one' }),
    number('b', 1, { type: { kind: 'integer', minimum: 0 }, required: false, default: 1 }),
    number('more', 2, { type: { kind: 'array', items: { kind: 'number' } }, required: false, rest: true }),
  ],
});

export const reset: FunctionDescription = describeFunction('reset', 1, {
  safe: false,
  pure: false,
  maxAge: seconds(0),
  parameters: [],
  returns: undefined,
});

const matrix: FunctionDescription = describeFunction('Matrix', 5, {
  safe: false,
  pure: false,
  notCallable: 'it is a class',
});

export const math: LibraryDescription = {
  name: 'math',
  id: 2,
  version: 'v1',
  title: 'Arithmetic',
  functions: [add, reset, matrix],
  error: undefined,
};

export const broken: LibraryDescription = {
  name: 'weather station',
  id: undefined,
  version: '',
  title: undefined,
  functions: [],
  error: 'index.ts:3: unexpected token',
};
