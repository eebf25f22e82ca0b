/**
 * Classes and their objects as paths of OpenAPI. A path stands there once, whatever the class of the object.
 *
 *     /func/{library}/{Class}     POST makes an object, whose path Location gives
 *     /o/{id}                     GET, DELETE
 *     /o/{id}/{member}            POST of methods, and GET where one is safe; GET and PUT of attributes
 */
import { typeSchema } from '../directory/json-schema.ts';
import type { FunctionDescription, MemberDescription } from '../functions/description.ts';
import { memberFunction, type ObjectOperation } from '../functions/object-calls.ts';
import {
  anyOf,
  argumentsBody,
  functionItem,
  getOperation,
  json,
  operation,
  problem,
  type Functions,
  type PathItem,
} from './open-api-operations.ts';

const idParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Of an object that the caller has made',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8}$' },
};

const made = {
  201: {
    description: 'The object was made',
    headers: { Location: { description: 'Its path', schema: { type: 'string', pattern: '^/o/' } } },
  },
};

export const classItem = (of: FunctionDescription): PathItem => ({
  post: { ...operation([of], '', made), ...argumentsBody([of]) },
});

interface Member {
  readonly of: FunctionDescription;
  readonly member: MemberDescription;
}

export function objectPaths(classes: Functions): readonly [string, PathItem][] {
  if (classes.length === 0) return [];
  const members = classes.flatMap((of) => (of.members ?? []).map((member): Member => ({ of, member })));
  return [
    ['/o/{id}', wholeItem([...new Set(classes.map(({ library }) => library))])],
    ...[...Map.groupBy(members, ({ member }) => member.name)].map(([name, same]): [string, PathItem] => [
      `/o/{id}/${name}`,
      { parameters: [idParameter], ...memberItem(same) },
    ]),
  ];
}

const wholeItem = (tags: readonly string[]): PathItem => ({
  parameters: [idParameter],
  get: {
    operationId: 'get.o',
    tags,
    summary: 'What an object offers',
    responses: {
      200: { description: 'Its class, methods and attributes', content: json({ type: 'object' }) },
      default: problem,
    },
  },
  delete: {
    operationId: 'delete.o',
    tags,
    summary: 'Lets go of an object',
    responses: { 204: { description: 'It is gone' }, default: problem },
  },
});

function memberItem(same: readonly Member[]): PathItem {
  const functionsOf = (which: (member: MemberDescription) => boolean, does: ObjectOperation): Functions =>
    same.filter(({ member }) => which(member)).map(({ of, member }) => memberFunction(of, member, does));
  const methods = functionsOf(({ kind }) => kind === 'method', 'call');
  const read = functionsOf(({ kind, readable }) => kind === 'attribute' && readable, 'read');
  const set = functionsOf(({ kind, writable }) => kind === 'attribute' && writable, 'set');
  const asked = [...read, ...methods.filter(({ safe }) => safe)];
  const types = set.flatMap(({ parameters }) => parameters.map(({ type }) => typeSchema(type)));
  return {
    ...(methods.length > 0 && functionItem(methods)),
    ...(asked.length > 0 && { get: getOperation(asked) }),
    ...(set.length > 0 && {
      put: {
        ...operation(set, '', { 204: { description: 'It is set' } }),
        requestBody: { required: true, content: json(anyOf(types)) },
      },
    }),
  };
}
