/**
 * The functions that a caller may use as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), made from their
 * signatures: each with POST and arguments by name, safe ones also with GET and arguments in the query.
 *
 * Left out: arguments by position and by id, compact paths, CBOR beside JSON as types of bodies (docs/http.md).
 */
import { flowTypes } from './flow.ts';
import type { Value } from '../core/value.ts';
import { parametersSchema, typeSchema, type JsonSchema } from '../directory/json-schema.ts';
import type { FunctionDescription, LibraryDescription } from '../functions/description.ts';

export const openApi = (libraries: readonly LibraryDescription[]): Value => ({
  openapi: '3.1.1',
  info: {
    title: 'funcoap',
    version: '1',
    description: 'Functions of this gateway. The same paths are there over CoAP.',
  },
  tags: libraries.map(({ name, title }) => ({ name, ...(title !== undefined && { description: title }) })),
  paths: Object.fromEntries(
    libraries.flatMap(({ functions }) =>
      functions
        .filter(({ notCallable }) => notCallable === undefined)
        .map((fn) => [`/func/${fn.library}/${fn.method}`, pathItem(fn)]),
    ),
  ),
  components: {
    schemas: { Problem: problemSchema },
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  },
  // Not needed where the caller is on the gateway's own machine.
  security: [{}, { bearer: [] }],
});

/** RFC 9457, and what funcoap adds (docs/errors.md). */
const problemSchema: Value = {
  type: 'object',
  properties: {
    type: { type: 'string', description: 'funcoap:e/ and the name of the problem' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'integer', description: 'The number of the problem, as over CoAP' },
    parameter: { type: 'string' },
    expected: { type: 'string' },
  },
  required: ['type', 'status', 'code'],
};

function pathItem(fn: FunctionDescription): Value {
  const { $schema: _, title: __, description: ___, ...schema } = parametersSchema(fn);
  const post = {
    ...operation(fn, 'post'),
    ...(fn.parameters.length > 0 && {
      requestBody: {
        required: fn.parameters.some(({ required }) => required),
        content: { 'application/json': { schema } },
      },
    }),
  };
  return fn.safe ? { get: { ...operation(fn, 'get'), parameters: queryParameters(fn, schema) }, post } : { post };
}

/** Of a stream: of each item. */
const resultSchema = ({ returns }: FunctionDescription): JsonSchema => (returns ? typeSchema(returns) : {});

const operation = (fn: FunctionDescription, method: 'get' | 'post'): Readonly<Record<string, Value>> => ({
  operationId: `${method === 'get' ? 'get.' : ''}${fn.library}.${fn.method}`,
  tags: [fn.library],
  ...(fn.title !== undefined && { summary: fn.title }),
  ...(fn.doc !== undefined && fn.doc !== fn.title && { description: fn.doc }),
  responses: {
    200:
      fn.stream === true
        ? {
            description: 'Item by item, as they come',
            content: Object.fromEntries(Object.values(flowTypes).map((type) => [type, { schema: resultSchema(fn) }])),
          }
        : { description: 'The result', content: { 'application/json': { schema: resultSchema(fn) } } },
    ...(method === 'get' && { 304: { description: 'The client has the result (If-None-Match)' } }),
    204: { description: 'The function returned nothing' },
    default: {
      description: 'Why there is no result',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
});

function queryParameters(fn: FunctionDescription, { properties }: JsonSchema): Value {
  const schemas = properties as Readonly<Record<string, JsonSchema>>;
  return fn.parameters.map(({ name, required, doc, type }) => ({
    name,
    in: 'query',
    required,
    ...(doc !== undefined && { description: doc }),
    // A list is its name once per item; what has members is JSON text (docs/calling.md).
    ...(type.kind === 'object'
      ? { content: { 'application/json': { schema: schemas[name] ?? {} } } }
      : { style: 'form', explode: true, schema: schemas[name] ?? {} }),
  }));
}
