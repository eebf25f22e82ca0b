/** What `funcoap describe` says of a class besides what it says of functions. */
import type { DescribedClass, DescribedMember } from '../directory/described.ts';
import { memberText } from '../directory/signature-text.ts';
import type { Paint } from '../telemetry/paint.ts';
import { tableText } from './print-value.ts';

const madeFor = {
  single: 'one for all callers',
  session: 'one for each identity',
  percall: 'one for each call',
} as const;

/** @param isMade an object of it is described */
export const classFacts = ({ instance }: DescribedClass, isMade: boolean): string[][] => [
  ...(isMade ? [] : [['gives', 'an object: POST makes it, and answers with its path']]),
  ...(instance === undefined ? [] : [['objects', `${instance}: ${madeFor[instance]}`]]),
];

export function memberTables({ members }: DescribedClass, paint: Paint): string[] {
  const methods = members.filter(({ kind }) => kind === 'method');
  const attributes = members.filter(({ kind }) => kind === 'attribute');
  return [table('method', methods, methodUse, paint), table('attribute', attributes, attributeUse, paint)].flat();
}

const methodUse = ({ safe, stream }: DescribedMember): string => (stream === true ? 'stream' : safe ? 'safe' : 'POST');

const attributeUse = ({ readable, writable }: DescribedMember): string =>
  readable && writable ? 'read, set' : readable ? 'read' : 'set';

function table(
  heading: string,
  members: readonly DescribedMember[],
  useOf: (member: DescribedMember) => string,
  paint: Paint,
): string[] {
  if (members.length === 0) return [];
  const rows = members.map((member) => [memberText(member), useOf(member), member.title ?? '']);
  return ['', tableText([heading, '', ''], rows, paint)];
}
