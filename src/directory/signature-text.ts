/** Signatures as people read them: `add(a: number, b: number): number`, of classes `new Account(owner: string)`. */
import { encodeJson } from '../cbor/json-encode.ts';
import {
  isClass,
  type DescribedFunction,
  type DescribedMember,
  type DescribedParameter,
  type DescribedType,
} from './described.ts';

function typeText(type: DescribedType): string {
  switch (type.kind) {
    case 'number':
    case 'integer': {
      const { kind, minimum, maximum } = type;
      return minimum === undefined && maximum === undefined ? kind : `${kind} ${minimum ?? ''}..${maximum ?? ''}`;
    }
    case 'literal':
      return JSON.stringify(type.value);
    case 'instance':
      return type.class;
    case 'union':
      return type.options.map(typeText).join(' | ');
    case 'array':
      return type.items.kind === 'union' ? `(${typeText(type.items)})[]` : `${typeText(type.items)}[]`;
    case 'tuple':
      return `[${type.items.map(typeText).join(', ')}]`;
    case 'object': {
      const members = Object.entries(type.properties).map(
        ([name, member]) => `${name}${member.required ? '' : '?'}: ${typeText(member.type)}`,
      );
      const more = type.additional === undefined ? [] : [`[name]: ${typeText(type.additional)}`];
      return `{ ${[...members, ...more].join(', ')} }`;
    }
    case 'any':
    case 'null':
    case 'boolean':
    case 'bigint':
    case 'string':
    case 'bytes':
    case 'date':
      return type.kind;
  }
}

export function parameterText(parameter: DescribedParameter): string {
  const { name, type, rest, others, required } = parameter;
  const optional = required || rest || others === true || parameter.default !== undefined ? '' : '?';
  const assumed = parameter.default === undefined ? '' : ` = ${encodeJson(parameter.default)}`;
  return `${rest ? '...' : others === true ? '**' : ''}${name}${optional}: ${typeText(type)}${assumed}`;
}

/** `new Account(owner: string)` of a class, `class Shape` where nobody makes objects of it. */
export function signatureText(fn: DescribedFunction): string {
  if (!isClass(fn)) return `${fn.method}${formText(fn)}`;
  return fn.notMade === undefined ? `new ${fn.method}${formText(fn)}` : `class ${fn.method}`;
}

/** `deposit(amount: number): number` of a method, `owner: string` of an attribute. */
export function memberText({ name, kind, parameters, returns }: DescribedMember): string {
  if (kind === 'method') return `${name}${formText({ parameters, returns })}`;
  const type = returns ?? parameters[0]?.type;
  return type === undefined ? name : `${name}: ${typeText(type)}`;
}

const formText = ({ parameters, returns }: Pick<DescribedFunction, 'parameters' | 'returns'>): string =>
  `(${parameters.map(parameterText).join(', ')})${returns === undefined ? '' : `: ${typeText(returns)}`}`;
