/**
 * Calls as operations of OpenAPI: what they are named, what they take, what they answer. An operation is of several functions
 * where a path is: of the members of one name that several classes have. It takes and gives what any of them does.
 */
import { flowTypes } from './flow.ts';
import type { Value } from '../core/value.ts';
import { parametersSchema, typeSchema, type JsonSchema } from '../directory/json-schema.ts';
import type { FunctionDescription } from '../functions/description.ts';

export type Functions = readonly FunctionDescription[];
export type Operation = Readonly<Record<string, Value>>;
/** Operations by method. */
export type PathItem = Readonly<Record<string, Value>>;

/** How functions are called over HTTP. */
export function functionItem(fns: Functions): PathItem {
  const safe = fns.filter((fn) => fn.safe);
  const post = postOperation(fns);
  return safe.length > 0 ? { get: getOperation(safe), post } : { post };
}

const postOperation = (fns: Functions): Operation => ({
  ...operation(fns, '', answers(fns)),
  ...argumentsBody(fns),
});

export const getOperation = (fns: Functions): Operation => ({
  ...operation(fns, 'get.', { ...answers(fns), 304: { description: 'The client has the result (If-None-Match)' } }),
  parameters: queryParameters(fns),
});

/** @param prefix tells operations of one function apart @param responses besides that there may be a problem */
export function operation(fns: Functions, prefix: string, responses: Operation): Operation {
  const summary = lines(fns.map(({ title }) => title));
  const description = lines(fns.map(({ doc, title }) => (doc === title ? undefined : doc)));
  return {
    operationId: prefix + fns.map(({ library, method }) => `${library}.${method}`).join('.or.'),
    tags: [...new Set(fns.map(({ library }) => library))],
    ...(summary !== '' && { summary }),
    ...(description !== '' && { description }),
    responses: { ...responses, default: problem },
  };
}

const lines = (texts: readonly (string | undefined)[]): string =>
  [...new Set(texts.filter((text) => text !== undefined))].join('\n');

export const problem: Value = {
  description: 'Why there is no result',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export const json = (schema: JsonSchema): Value => ({ 'application/json': { schema } });

/** Arguments by name. */
export function argumentsBody(fns: Functions): Operation {
  const taking = fns.filter(({ parameters }) => parameters.length > 0);
  if (taking.length === 0) return {};
  const required = fns.every(({ parameters }) => parameters.some((parameter) => parameter.required));
  return { requestBody: { required, content: json(anyOf(taking.map(ownSchema))) } };
}

/** One that fits what any of them fits. */
export function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  const different = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  const [first = {}] = different;
  return different.length === 1 ? first : { anyOf: different };
}

function answers(fns: Functions): Operation {
  const schema = anyOf(fns.map(({ returns }) => (returns === undefined ? {} : typeSchema(returns))));
  // Of a stream: of each item.
  const items = Object.fromEntries(Object.values(flowTypes).map((type) => [type, { schema }]));
  return {
    200: fns.some(({ stream }) => stream === true)
      ? { description: 'Item by item, as they come', content: items }
      : { description: 'The result', content: json(schema) },
    204: { description: 'The function returned nothing' },
  };
}

function ownSchema(fn: FunctionDescription): JsonSchema {
  const { $schema: _, title: __, description: ___, ...schema } = parametersSchema(fn);
  return schema;
}

function queryParameters(fns: Functions): Value {
  const all = fns.flatMap((fn) => {
    const schemas = ownSchema(fn)['properties'] as Readonly<Record<string, JsonSchema>>;
    return fn.parameters.map((parameter) => ({ ...parameter, schema: schemas[parameter.name] ?? {} }));
  });
  return [...Map.groupBy(all, ({ name }) => name)].map(([name, same]) => {
    const schema = anyOf(same.map((one) => one.schema));
    const description = lines(same.map(({ doc }) => doc));
    return {
      name,
      in: 'query',
      required: same.length === fns.length && same.every(({ required }) => required),
      ...(description !== '' && { description }),
      // A list is its name once per item; what has members is JSON text (docs/calling.md).
      ...(same.some(({ type }) => type.kind === 'object')
        ? { content: json(schema) }
        : { style: 'form', explode: true, schema }),
    };
  });
}
