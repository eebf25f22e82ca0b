/**
 * The functions and classes of a gateway as TypeScript declarations, for `connect<Gateway>(…)`.
 *
 *     export interface Gateway {
 *       readonly "math": {
 *         /** Adds two numbers. *\/
 *         readonly "add": RemoteFunction<[a: number, b: number], { a: number; b: number }, number>;
 *       };
 *     }
 *
 * A stream gives an AsyncIterable of its items; a class is a RemoteClass, and its objects have an interface of their own.
 * Left out: ranges and lengths, which TypeScript has no types for; they are checked when a call is made.
 */
import { isClass, isOffered, type DescribedClass, type DescribedFunction } from './described.ts';
import type { DescribedMember, DescribedParameter } from './described.ts';
import { objectText, quoted, TypeTexts } from './type-texts.ts';

/** @param origin where they were found, for the comment at the top */
export function libraryTypes(functions: readonly DescribedFunction[], origin: string): string {
  const names = instanceNames(functions.filter(isClass));
  const textsOf = (library: string): TypeTexts => new TypeTexts((name) => names.get(`${library}/${name}`));
  const libraries = Map.groupBy(functions, ({ library }) => library);
  const blocks = [...libraries].map(([library, members]) => {
    const lines = members.filter(isOffered).map((fn) => functionLines(fn, textsOf(library)));
    return `  readonly ${quoted(library)}: {\n${lines.join('')}  };\n`;
  });
  const instances = functions.filter(isClass).map((of) => instanceLines(of, textsOf(of.library)));
  const declared = [`export interface Gateway {\n${blocks.join('')}}\n`, ...instances].join('\n');
  const text = /\bAny\b/.test(declared) ? `${declared}\n${anyLines}` : declared;
  const imported = importable.filter((name) => new RegExp(String.raw`\b${name}\b`).test(text));
  return [
    `// The functions of ${printable(origin)}, written by \`funcoap types\`: write it anew when they change.\n`,
    imported.length === 0 ? '' : `import type { ${imported.join(', ')} } from 'funcoap';\n\n`,
    `/** \`const gw = await connect<Gateway>(${printable(JSON.stringify(origin))})\` */\n`,
    text,
  ].join('');
}

const importable = ['ObjectControls', 'RemoteClass', 'RemoteFunction', 'RemoteMethod', 'Value'];

const anyLines = '/** Any value that can be sent. */\ntype Any = Value | object;\n';

/** Of the interfaces of objects, by library and class: as identifiers, each once. */
function instanceNames(classes: readonly DescribedClass[]): ReadonlyMap<string, string> {
  const taken = new Set(['Gateway', 'Any', ...importable]);
  return new Map(
    classes.map(({ library, method }) => {
      const wanted = `${library}_${method}`.replace(/[^\w$]/g, '_');
      let name = wanted;
      for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
      taken.add(name);
      return [`${library}/${method}`, name];
    }),
  );
}

function functionLines(fn: DescribedFunction, texts: TypeTexts): string {
  const result = isClass(fn) ? instanceOf(fn, texts) : givenType(fn, texts);
  const type = `${isClass(fn) ? 'RemoteClass' : 'RemoteFunction'}<${argumentTypes(fn, texts)}, ${result}>`;
  return `${docLines(fn, '    ')}    readonly ${quoted(fn.method)}: ${type};\n`;
}

const instanceOf = ({ method }: DescribedClass, texts: TypeTexts): string => texts.instance(method) ?? 'ObjectControls';

/** What an object offers, and which of it can be set. */
function instanceLines(of: DescribedClass, texts: TypeTexts): string {
  const writable = of.members
    .filter((member) => member.writable)
    .map((member) => `${quoted(member.name)}: ${texts.of(member.parameters[0]?.type ?? { kind: 'any' }, 'Any')}`);
  const members = of.members.map((member) => memberLines(member, texts)).join('');
  return [
    `/** An object of ${printable(of.library)}/${printable(of.method)}. */\n`,
    `export interface ${instanceOf(of, texts)} extends ObjectControls<${objectText(writable)}> {\n${members}}\n`,
  ].join('');
}

function memberLines(member: DescribedMember, texts: TypeTexts): string {
  if (member.kind === 'method') {
    const type = `RemoteMethod<${argumentTypes(member, texts)}, ${givenType(member, texts)}>`;
    return `${docLines(member, '  ')}  readonly ${quoted(member.name)}: ${type};\n`;
  }
  if (!member.readable) return '';
  return `${docLines({ ...member, parameters: [] }, '  ')}  readonly ${quoted(member.name)}: Promise<${resultType(member, texts)}>;\n`;
}

/** By position, and by name. */
function argumentTypes({ parameters }: Pick<DescribedFunction, 'parameters'>, texts: TypeTexts): string {
  const listed = parameters.filter(({ keyword, others }) => keyword !== true && others !== true);
  // What is required behind what is optional has to be given by name.
  const positional = listed.map((parameter, at) => {
    const optional = !parameter.required && listed.slice(at).every(({ required }) => !required);
    return positionType(parameter, optional, texts);
  });
  const named = parameters.flatMap((parameter) => (parameter.others === true ? [] : [memberType(parameter, texts)]));
  const others = parameters.some((parameter) => parameter.others === true) ? ['[name: string]: Any'] : [];
  return `[${positional.join(', ')}], ${objectText([...named, ...others])}`;
}

function docLines({ doc, parameters }: Pick<DescribedFunction, 'doc' | 'parameters'>, indent: string): string {
  const told = parameters.flatMap(({ name, doc: about }) => (about === undefined ? [] : [`@param ${name} ${about}`]));
  const lines = [...(doc === undefined ? [] : [doc]), ...told].flatMap((text) => text.split('\n'));
  if (lines.length === 0) return '';
  return `${indent}/**\n${lines.map((text) => `${indent} * ${printable(text)}\n`).join('')}${indent} */\n`;
}

function positionType(parameter: DescribedParameter, optional: boolean, texts: TypeTexts): string {
  const label = /^[A-Za-z_$][\w$]*$/.test(parameter.name) ? parameter.name : 'argument';
  const type = texts.of(parameter.type, 'Any');
  if (parameter.rest) return `...${label}: ${type}`;
  return optional ? `${label}?: ${type}` : `${label}: ${parameter.required ? type : `${type} | undefined`}`;
}

const memberType = ({ name, required, rest, type }: DescribedParameter, texts: TypeTexts): string =>
  `${quoted(name)}${required && !rest ? '' : '?'}: ${texts.of(type, 'Any')}`;

/** Of a stream, its items. */
const givenType = (called: Pick<DescribedFunction, 'returns' | 'stream'>, texts: TypeTexts): string =>
  called.stream === true ? `AsyncIterable<${resultType(called, texts)}>` : resultType(called, texts);

const resultType = ({ returns }: Pick<DescribedFunction, 'returns'>, texts: TypeTexts): string =>
  returns === undefined ? 'Value' : texts.of(returns, 'Value');

/** What a gateway says cannot end the comment that it stands in. */
const printable = (text: string): string => text.replaceAll('*/', '*\\/').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
