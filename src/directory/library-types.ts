/**
 * The functions of a gateway as TypeScript declarations, for `connect<Gateway>(…)`.
 *
 *     export interface Gateway {
 *       readonly "math": {
 *         /** Adds two numbers. *\/
 *         readonly "add": RemoteFunction<[a: number, b: number], { a: number; b: number }, number>;
 *       };
 *     }
 *
 * Left out: ranges and lengths, which TypeScript has no types for; they are checked when a call is made.
 */
import type { DescribedFunction, DescribedObject, DescribedParameter, DescribedType } from './described.ts';

/** @param origin where they were found, for the comment at the top */
export function libraryTypes(functions: readonly DescribedFunction[], origin: string): string {
  const libraries = Map.groupBy(functions, ({ library }) => library);
  const blocks = [...libraries].map(
    ([library, members]) => `  readonly ${quoted(library)}: {\n${members.map(functionLines).join('')}  };\n`,
  );
  return [
    `// The functions of ${printable(origin)}, written by \`funcoap types\`: write it anew when they change.\n`,
    "import type { RemoteFunction, Value } from 'funcoap';\n\n",
    `/** \`const gw = await connect<Gateway>(${printable(JSON.stringify(origin))})\` */\n`,
    `export interface Gateway {\n${blocks.join('')}}\n\n`,
    '/** Any value that can be sent. */\n',
    'export type Any = Value | object;\n',
  ].join('');
}

function functionLines(fn: DescribedFunction): string {
  const { parameters } = fn;
  const listed = parameters.filter(({ keyword, others }) => keyword !== true && others !== true);
  // What is required behind what is optional has to be given by name.
  const positional = listed.map((parameter, at) => {
    const optional = !parameter.required && listed.slice(at).every(({ required }) => !required);
    return positionType(parameter, optional);
  });
  const named = parameters.flatMap((parameter) => (parameter.others === true ? [] : [memberType(parameter)]));
  const others = parameters.some((parameter) => parameter.others === true) ? ['[name: string]: Any'] : [];
  const type = `RemoteFunction<[${positional.join(', ')}], ${objectText([...named, ...others])}, ${resultType(fn.returns)}>`;
  return `${docLines(fn)}    readonly ${quoted(fn.method)}: ${type};\n`;
}

function docLines({ doc, parameters }: DescribedFunction): string {
  const told = parameters.flatMap(({ name, doc: about }) => (about === undefined ? [] : [`@param ${name} ${about}`]));
  const lines = [...(doc === undefined ? [] : [doc]), ...told].flatMap((text) => text.split('\n'));
  if (lines.length === 0) return '';
  return `    /**\n${lines.map((text) => `     * ${printable(text)}\n`).join('')}     */\n`;
}

function positionType(parameter: DescribedParameter, optional: boolean): string {
  const label = /^[A-Za-z_$][\w$]*$/.test(parameter.name) ? parameter.name : 'argument';
  const type = typeText(parameter.type);
  if (parameter.rest) return `...${label}: ${type}`;
  return optional ? `${label}?: ${type}` : `${label}: ${parameter.required ? type : `${type} | undefined`}`;
}

const memberType = ({ name, required, rest, type }: DescribedParameter): string =>
  `${quoted(name)}${required && !rest ? '' : '?'}: ${typeText(type)}`;

const resultType = (type: DescribedType | undefined): string =>
  type === undefined ? 'Value' : typeText(type, 'Value');

/** @param any what stands for a value of any type */
function typeText(type: DescribedType, any: 'Any' | 'Value' = 'Any'): string {
  switch (type.kind) {
    case 'any':
      return any;
    case 'number':
    case 'integer':
      return 'number';
    // One below 2^53 comes back as a number: CBOR does not tell them apart.
    case 'bigint':
      return 'bigint | number';
    case 'bytes':
      return 'Uint8Array';
    case 'date':
      return 'Date';
    case 'literal':
      return typeof type.value === 'string' ? quoted(type.value) : String(type.value);
    // Its path.
    case 'instance':
      return '`/o/${string}`';
    case 'union':
      return type.options.length === 0 ? 'never' : type.options.map((option) => typeText(option, any)).join(' | ');
    case 'array':
      return `readonly (${typeText(type.items, any)})[]`;
    case 'tuple':
      return `readonly [${type.items.map((item) => typeText(item, any)).join(', ')}]`;
    case 'object':
      return objectType(type, any);
    case 'null':
    case 'boolean':
    case 'string':
      return type.kind;
  }
}

function objectType({ properties, additional }: DescribedObject, any: 'Any' | 'Value'): string {
  const members = Object.entries(properties).map(
    ([name, member]) => `${quoted(name)}${member.required ? '' : '?'}: ${typeText(member.type, any)}`,
  );
  // What an index signature says has to hold for the declared members too.
  const more =
    additional === undefined ? [] : [`[name: string]: ${members.length > 0 ? any : typeText(additional, any)}`];
  return objectText([...members, ...more]);
}

const objectText = (members: readonly string[]): string =>
  members.length === 0
    ? 'Readonly<Record<string, never>>'
    : `{ ${members.map((member) => `readonly ${member}`).join('; ')} }`;

/** As JSON, which is TypeScript but for two line ends. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'));

/** What a gateway says cannot end the comment that it stands in. */
const printable = (text: string): string => text.replaceAll('*/', '*\\/').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
