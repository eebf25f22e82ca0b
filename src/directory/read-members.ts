/** What the objects of a class offer, as another gateway describes it. */
import type { Value } from '../core/value.ts';
import type { InstanceMode } from '../functions/description.ts';
import type { DescribedMember, DescribedType } from './described.ts';
import { readParameter } from './read-parameter.ts';
import { arrayOf, fieldOf, flagOf, optionalTextOf, recordOf, type ValueRecord } from './read-value.ts';
import { readType } from './type-value.ts';

/** Methods, then attributes. @throws PeerError `bad-description` */
export const readMembers = (of: ValueRecord): readonly DescribedMember[] => [
  ...entriesOf(fieldOf(of, 'methods'), 'the methods').map(([name, value]) => readMethod(name, value)),
  ...entriesOf(fieldOf(of, 'attributes'), 'the attributes').map(([name, value]) => readAttribute(name, value)),
];

const instanceModes: readonly InstanceMode[] = ['single', 'session', 'percall'];

/** A mode of a newer gateway is none that is known. */
export const readInstance = (of: ValueRecord): InstanceMode | undefined =>
  instanceModes.find((mode) => mode === fieldOf(of, 'instance'));

const entriesOf = (value: Value, what: string): [string, Value][] => Object.entries(recordOf(value, what));

function readMethod(name: string, value: Value): DescribedMember {
  const record = recordOf(value, `the method ${name}`);
  const returns = fieldOf(record, 'returns');
  return {
    name,
    kind: 'method',
    ...textsOf(record, name),
    parameters: arrayOf(fieldOf(record, 'parameters'), `the parameters of ${name}`).map(readParameter),
    returns: returns === undefined ? undefined : readType(returns),
    safe: flagOf(fieldOf(record, 'safe')),
    ...(flagOf(fieldOf(record, 'stream')) && { stream: true }),
    readable: false,
    writable: false,
  };
}

function readAttribute(name: string, value: Value): DescribedMember {
  const record = recordOf(value, `the attribute ${name}`);
  const told = fieldOf(record, 'type');
  const type = told === undefined ? undefined : readType(told);
  const readable = !flagOf(fieldOf(record, 'writeOnly'));
  return {
    name,
    kind: 'attribute',
    ...textsOf(record, name),
    parameters: [valueParameter(type ?? { kind: 'any' })],
    returns: readable ? type : undefined,
    safe: true,
    readable,
    writable: flagOf(fieldOf(record, 'writable')),
  };
}

const valueParameter = (type: DescribedType): DescribedMember['parameters'][number] => ({
  name: 'value',
  id: undefined,
  type,
  required: true,
  rest: false,
  doc: undefined,
});

function textsOf(record: ValueRecord, name: string): Pick<DescribedMember, 'title' | 'doc'> {
  const title = optionalTextOf(fieldOf(record, 'title'), `the title of ${name}`);
  return { title, doc: optionalTextOf(fieldOf(record, 'doc'), `the documentation of ${name}`) ?? title };
}
