/** The errors of binding: what was wrong with the arguments, and what the function takes. */
import type { Value } from '../core/value.ts';
import { nameOf, type Plan } from './binding-plan.ts';
import { CallError } from './call-error.ts';
import { nearestName, shown } from './names.ts';

/** Rest arguments are spread on the stack of the thread that runs the function. */
export const maxRest = 10_000;

export function tooManyRest(plan: Plan, index: number): CallError {
  const parameter = nameOf(plan, index);
  return new CallError(
    'too-many-arguments',
    `${plan.fn.method} takes at most ${maxRest} arguments as ...${parameter.name}; call it several times.`,
    { parameter },
  );
}

/** How many names a sentence can carry. */
const maxNames = 12;

function takes(plan: Plan): string {
  const names = plan.slots.map(({ parameter: { name, rest, others } }) =>
    rest ? `...${name}` : others === true ? `**${name}` : name,
  );
  if (names.length === 0) return 'it takes no arguments';
  return `it takes ${names.slice(0, maxNames).join(', ')}${names.length > maxNames ? ', …' : ''}`;
}

export function missing(plan: Plan, index: number): CallError {
  const parameter = plan.slots[index]?.parameter;
  const name = nameOf(plan, index);
  const details = parameter === undefined ? { parameter: name } : { parameter: name, expected: parameter.type };
  return new CallError('missing-argument', `${plan.fn.method} needs '${name.name}': ${takes(plan)}.`, details);
}

export function unexpected(plan: Plan, key: Value): CallError {
  const isText = typeof key === 'string';
  const isNumber = typeof key === 'number' || typeof key === 'bigint' || (isText && /^\d+$/.test(key));
  const name = isText ? shown(key) : isNumber ? shown(String(key)) : '?';
  const near = isText ? nearestName(key, [...plan.byName.keys()]) : undefined;
  const hint = near === undefined ? takes(plan) : `did you mean '${near}'?`;
  const what = isNumber
    ? `no parameter with the id ${name}`
    : isText
      ? `no parameter '${name}'`
      : 'no parameters whose names are neither text nor an id';
  const end = near === undefined ? '.' : '';
  return new CallError('unexpected-argument', `${plan.fn.method} has ${what}; ${hint}${end}`, {
    parameter: { name, id: undefined },
  });
}

export function unknownItem(plan: Plan, name: string, candidates: readonly string[]): CallError {
  const near = nearestName(name, candidates);
  const hint = near === undefined ? `${takes(plan)}.` : `did you mean '${near}'?`;
  return new CallError('unknown-query', `${plan.fn.method} has no parameter '${shown(name)}' for the query; ${hint}`, {
    parameter: { name: shown(name), id: undefined },
  });
}

export function tooMany(plan: Plan, count: number): CallError {
  const [only] = plan.slots;
  const list =
    plan.slots.length === 1 && only !== undefined && ['array', 'tuple', 'any'].includes(only.parameter.type.kind);
  const hint = list ? ' An array is by position: to give one list, put it in another array or name it.' : '';
  return new CallError('too-many-arguments', `${plan.fn.method} got ${count} arguments; ${takes(plan)}.${hint}`);
}

export function givenTwice(plan: Plan, index: number): CallError {
  const parameter = nameOf(plan, index);
  const message = `${plan.fn.method} got '${parameter.name}' twice, by name and by id; give it once.`;
  return new CallError('unexpected-argument', message, { parameter });
}
