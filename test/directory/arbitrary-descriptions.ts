/** Any type, parameter and function that a library could declare, for property tests. */
import fc from 'fast-check';
import { seconds } from '../../src/core/duration.ts';
import type {
  DescribedClass,
  DescribedFunction,
  DescribedMember,
  DescribedParameter,
  DescribedType,
} from '../../src/directory/described.ts';

const bound = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
);
const length = fc.nat({ max: 1000 });

/** Names that libraries would not choose, and some that JavaScript would rather not see. */
const name = fc.oneof(
  fc.stringMatching(/^[a-z][A-Za-z0-9]{0,8}$/),
  fc.constantFrom('constructor', 'toString', '__proto__', 'a-b', 'two words', 'quo"te', 'ünï', '0', ''),
);

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('line\nbreak', 'tab\t', '\u007f', '\\"'),
);

const leaf: fc.Arbitrary<DescribedType> = fc.oneof(
  fc.constantFrom<DescribedType[]>(
    { kind: 'any' },
    { kind: 'null' },
    { kind: 'boolean' },
    { kind: 'bigint' },
    { kind: 'bytes' },
    { kind: 'date' },
  ),
  fc.record(
    { kind: fc.constantFrom('number' as const, 'integer' as const), minimum: bound, maximum: bound },
    { requiredKeys: ['kind'] },
  ),
  fc.record({ kind: fc.constant('string' as const), minLength: length, maxLength: length }, { requiredKeys: ['kind'] }),
  fc.record({ kind: fc.constant('instance' as const), class: name }),
  fc.record({ kind: fc.constant('literal' as const), value: fc.oneof(text, bound, fc.boolean(), fc.constant(null)) }),
);

export const anyType: fc.Arbitrary<DescribedType> = fc.letrec<{ type: DescribedType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constant('union' as const), options: fc.array(tie('type'), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('array' as const), items: tie('type') }),
    fc.record({ kind: fc.constant('tuple' as const), items: fc.array(tie('type'), { maxLength: 3 }) }),
    fc.record({
      kind: fc.constant('object' as const),
      properties: fc
        .array(fc.tuple(name, fc.record({ type: tie('type'), required: fc.boolean() })), { maxLength: 3 })
        .map((entries) => Object.fromEntries(entries)),
      additional: fc.option(tie('type'), { nil: undefined }),
    }),
  ),
})).type;

const id = fc.option(fc.nat({ max: 500 }), { nil: undefined });
const words = fc.option(text, { nil: undefined });

const parameter: fc.Arbitrary<DescribedParameter> = fc
  .record({
    name,
    id,
    type: anyType,
    required: fc.boolean(),
    doc: words,
    default: fc.option(fc.oneof(text, bound, fc.boolean(), fc.constant(null)), { nil: undefined }),
  })
  .map(({ default: assumed, ...rest }) => ({
    ...rest,
    rest: false,
    ...(assumed !== undefined && { default: assumed }),
  }));

const restParameter: fc.Arbitrary<DescribedParameter> = fc.record({
  name,
  id,
  type: fc.record({ kind: fc.constant('array' as const), items: anyType }),
  required: fc.constant(false),
  rest: fc.constant(true),
  doc: words,
});

export const anyFunction: fc.Arbitrary<DescribedFunction> = fc
  .record({
    library: name,
    method: name,
    ids: fc.option(fc.record({ libraryId: fc.nat(), id: fc.nat() }), { nil: { libraryId: undefined, id: undefined } }),
    plain: fc.uniqueArray(parameter, { maxLength: 4, selector: (one) => one.name }),
    last: fc.option(restParameter, { nil: undefined }),
    returns: fc.option(anyType, { nil: undefined }),
    title: words,
    doc: words,
    safe: fc.boolean(),
    pure: fc.boolean(),
    maxAge: fc.nat({ max: 1_000_000 }),
    notCallable: words,
  })
  .map(({ ids, plain, last, maxAge, doc, title, ...rest }) => {
    const spread = last !== undefined && plain.every((one) => one.name !== last.name) ? [last] : [];
    return {
      ...rest,
      ...ids,
      title,
      doc: doc ?? title,
      parameters: [...plain, ...spread],
      maxAge: seconds(rest.pure ? maxAge : 0),
    };
  });

const method: fc.Arbitrary<DescribedMember> = fc
  .record({
    name,
    parameters: fc.uniqueArray(parameter, { maxLength: 3, selector: (one) => one.name }),
    returns: fc.option(anyType, { nil: undefined }),
    title: words,
    doc: words,
    safe: fc.boolean(),
    stream: fc.constantFrom(true, undefined),
  })
  .map(({ doc, title, stream, ...rest }) => ({
    ...rest,
    ...(stream && { stream }),
    kind: 'method',
    title,
    doc: doc ?? title,
    readable: false,
    writable: false,
  }));

const attribute: fc.Arbitrary<DescribedMember> = fc
  .record({ name, type: fc.option(anyType, { nil: undefined }), title: words, doc: words, use: fc.nat({ max: 2 }) })
  .map(({ name: called, type, title, doc, use }) => ({
    name: called,
    kind: 'attribute',
    parameters: [
      {
        name: 'value',
        id: undefined,
        type: type ?? { kind: 'any' },
        required: true,
        rest: false,
        doc: undefined,
      },
    ],
    // What cannot be read gives nothing.
    returns: use === 0 ? undefined : type,
    title,
    doc: doc ?? title,
    safe: true,
    readable: use > 0,
    writable: use !== 1,
  }));

export const anyClass: fc.Arbitrary<DescribedClass> = fc
  .record({
    of: anyFunction,
    members: fc.uniqueArray(fc.oneof(method, attribute), { maxLength: 5, selector: (one) => one.name }),
    instance: fc.constantFrom('single', 'session', 'percall', undefined),
  })
  .map(({ of, members, instance }) => ({
    ...of,
    returns: undefined,
    safe: false,
    pure: false,
    maxAge: seconds(0),
    notCallable: undefined,
    members,
    instance,
  }));
