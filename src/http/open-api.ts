/**
 * The functions that a caller may use as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), made from their
 * signatures: each with POST and arguments by name, safe ones also with GET and arguments in the query; classes and what
 * there is below their objects (open-api-objects.ts).
 *
 * Left out: arguments by position and by id, compact paths, CBOR beside JSON as types of bodies (docs/http.md).
 */
import type { Value } from '../core/value.ts';
import { isClass, isOffered } from '../directory/described.ts';
import type { FunctionDescription, LibraryDescription } from '../functions/description.ts';
import { classItem, objectPaths } from './open-api-objects.ts';
import { functionItem } from './open-api-operations.ts';

export const openApi = (libraries: readonly LibraryDescription[]): Value => ({
  openapi: '3.1.1',
  info: {
    title: 'funcoap',
    version: '1',
    description: 'Functions of this gateway. The same paths are there over CoAP.',
  },
  tags: libraries.map(({ name, title }) => ({ name, ...(title !== undefined && { description: title }) })),
  paths: paths(libraries.flatMap(({ functions }) => functions)),
  components: {
    schemas: { Problem: problemSchema },
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
  },
  // Not needed where the caller is on the gateway's own machine.
  security: [{}, { bearer: [] }],
});

function paths(functions: readonly FunctionDescription[]): Value {
  const classes = functions.filter(isClass);
  const called = functions.flatMap((fn): [string, Value][] => {
    const path = `/func/${fn.library}/${fn.method}`;
    if (!isOffered(fn)) return [];
    return [[path, isClass(fn) ? classItem(fn) : functionItem([fn])]];
  });
  return Object.fromEntries([...called, ...objectPaths(classes)]);
}

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
