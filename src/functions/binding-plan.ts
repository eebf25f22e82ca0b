/** What binding needs to know of a function, worked out once: where each name and id goes, and how its value is read. */
import type { Value } from '../core/value.ts';
import { converterOf, mismatch, type Converter } from './converter.ts';
import type { ParameterDescription, Signature, ValueType } from './description.ts';

export interface Plan {
  readonly fn: Signature;
  readonly slots: readonly Slot[];
  readonly byName: ReadonlyMap<string, number>;
  readonly byId: ReadonlyMap<number, number>;
  /** How many parameters a list fills before the rest parameter takes over. */
  readonly room: number;
  /** Position of the rest parameter. */
  readonly rest: number | undefined;
  /** Position of the parameter that takes names which are no parameter's. */
  readonly others: number | undefined;
  /** The only parameter, where it is declared an object: a map or a query may be its members. */
  readonly onlyObject: ParameterDescription | undefined;
  /** Somewhere in its arguments an object of a class may stand. */
  readonly takesObjects: boolean;
}

export interface Slot {
  readonly parameter: ParameterDescription;
  readonly convert: Converter;
  /** A fresh copy each time: a function may change what it is given. */
  readonly fallback: (() => Value) | undefined;
}

export function planOf(fn: Signature): Plan {
  const { parameters } = fn;
  const [first] = parameters;
  const positionOf = (index: number): number | undefined => (index === -1 ? undefined : index);
  const named = parameters.findIndex(({ rest, keyword }) => rest || keyword === true);
  const onlyObject = parameters.length === 1 && first !== undefined && !first.rest && isObject(first.type);
  return {
    fn,
    slots: parameters.map((parameter) => ({
      parameter,
      convert: converterOf(parameter.type),
      fallback: fallbackOf(parameter),
    })),
    byName: new Map(parameters.map((parameter, index) => [parameter.name, index])),
    byId: new Map(parameters.flatMap(({ id }, index): [number, number][] => (id === undefined ? [] : [[id, index]]))),
    room: positionOf(named) ?? parameters.length,
    rest: positionOf(parameters.findIndex((parameter) => parameter.rest)),
    others: positionOf(parameters.findIndex((parameter) => parameter.others === true)),
    onlyObject: onlyObject ? first : undefined,
    takesObjects: parameters.some(({ type }) => holdsInstance(type)),
  };
}

function holdsInstance(type: ValueType): boolean {
  switch (type.kind) {
    case 'instance':
      return true;
    case 'union':
      return type.options.some(holdsInstance);
    case 'array':
      return holdsInstance(type.items);
    case 'tuple':
      return type.items.some(holdsInstance);
    case 'object':
      return (
        (type.additional !== undefined && holdsInstance(type.additional)) ||
        Object.values(type.properties).some((property) => holdsInstance(property.type))
      );
    default:
      return false;
  }
}

const isObject = (type: ValueType): boolean =>
  type.kind === 'object' || (type.kind === 'union' && type.options.some((option) => option.kind === 'object'));

function fallbackOf(parameter: ParameterDescription): (() => Value) | undefined {
  const { type, default: declared } = parameter;
  if (declared === undefined) return undefined;
  // The author may have declared a default outside of the type: then it is what the function gets.
  const canonical = converterOf(type)(declared, false);
  const value = canonical === mismatch ? declared : canonical;
  return typeof value === 'object' && value !== null ? () => structuredClone(value) : () => value;
}

/** A parameter's position by its name or its id. Parameters are looked up in a Map: `__proto__` is a name like any other. */
export function indexOf(plan: Plan, key: string | number): number | undefined {
  if (typeof key === 'number') return plan.byId.get(key);
  const index = plan.byName.get(key);
  if (index !== undefined) return index;
  return /^(?:0|[1-9]\d{0,8})$/.test(key) ? plan.byId.get(Number(key)) : undefined;
}

export const nameOf = (plan: Plan, index: number): { name: string; id: number | undefined } => ({
  name: plan.slots[index]?.parameter.name ?? '',
  id: plan.slots[index]?.parameter.id,
});
