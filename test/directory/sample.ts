/** Libraries as they are described by functions/: that they can be handed over is itself a test of the interface. */
import { seconds } from '../../src/core/duration.ts';
import type {
  FunctionDescription,
  LibraryDescription,
  MemberDescription,
  ParameterDescription,
} from '../../src/functions/description.ts';

const number = (
  name: string,
  id: number | undefined,
  more: Partial<ParameterDescription> = {},
): ParameterDescription => ({
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

function member(name: string, more: Partial<MemberDescription>): MemberDescription {
  const nothing = { parameters: [], returns: undefined, title: undefined, doc: undefined, timeLimit: undefined };
  return { name, kind: 'method', ...nothing, safe: false, readable: false, writable: false, ...more };
}

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

export const matrix: FunctionDescription = describeFunction('Matrix', 5, {
  safe: false,
  pure: false,
  title: 'A matrix',
  parameters: [number('size', 0)],
  returns: undefined,
  maxAge: seconds(0),
  notCallable: 'it is a class; POST makes an object of it',
  instance: 'session',
  members: [
    member('at', { parameters: [number('row', undefined)], returns: { kind: 'number' }, safe: true }),
    member('rows', { doc: 'Rows\n\nOne by one.', title: 'Rows', safe: true, stream: true }),
    member('size', {
      kind: 'attribute',
      returns: { kind: 'number' },
      parameters: [number('value', undefined)],
      safe: true,
      readable: true,
    }),
    member('seed', { kind: 'attribute', parameters: [number('value', undefined)], safe: true, writable: true }),
  ],
});

const steps: FunctionDescription = describeFunction('steps', 6, {
  notCallable: 'it is not safe',
  safe: false,
  pure: false,
});

export const math: LibraryDescription = {
  name: 'math',
  id: 2,
  version: 'v1',
  title: 'Arithmetic',
  functions: [add, reset, matrix, steps],
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
