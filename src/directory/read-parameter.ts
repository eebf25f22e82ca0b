/** A parameter of a function, a class or a method, as another gateway describes it. */
import type { Value } from '../core/value.ts';
import type { DescribedParameter } from './described.ts';
import { fieldOf, flagOf, idOf, optionalTextOf, recordOf, textOf } from './read-value.ts';
import { readType } from './type-value.ts';

/** @throws PeerError `bad-description` */
export function readParameter(value: Value): DescribedParameter {
  const record = recordOf(value, 'a parameter');
  const name = textOf(fieldOf(record, 'name'), 'the name of a parameter');
  const assumed = fieldOf(record, 'default');
  return {
    name,
    id: idOf(fieldOf(record, 'id'), `the id of ${name}`),
    type: readType(fieldOf(record, 'type')),
    required: flagOf(fieldOf(record, 'required')),
    rest: flagOf(fieldOf(record, 'rest')),
    ...(flagOf(fieldOf(record, 'keyword')) && { keyword: true }),
    ...(flagOf(fieldOf(record, 'others')) && { others: true }),
    doc: optionalTextOf(fieldOf(record, 'doc'), `the documentation of ${name}`),
    ...(assumed !== undefined && { default: assumed }),
  };
}
