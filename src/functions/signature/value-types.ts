/** Small operations on value types that every reader of declarations needs. */
import type { ValueType } from '../description.ts';

export const anyType: ValueType = { kind: 'any' };

/** A union without duplicates of nested unions; one option stands for itself, `any` swallows the rest. */
export function unionOf(options: readonly ValueType[]): ValueType {
  const flat: ValueType[] = [];
  for (const option of options) {
    const parts = option.kind === 'union' ? option.options : [option];
    for (const part of parts) {
      if (part.kind === 'any') return anyType;
      if (!flat.some((known) => sameSimple(known, part))) flat.push(part);
    }
  }
  const [first] = flat;
  if (first === undefined) return anyType;
  return flat.length === 1 ? first : { kind: 'union', options: flat };
}

function sameSimple(a: ValueType, b: ValueType): boolean {
  if (a === b) return true;
  if (a.kind === 'literal' && b.kind === 'literal') return a.value === b.value;
  if (a.kind === 'instance' && b.kind === 'instance') return a.class === b.class;
  return a.kind === b.kind && Object.keys(a).length === 1 && Object.keys(b).length === 1;
}

export type ObjectType = Extract<ValueType, { kind: 'object' }>;
export type Members = ObjectType['properties'];

/** What satisfies all of them where all are objects, otherwise `any`. */
export function intersectionOf(parts: readonly ValueType[]): ValueType {
  const merged = new Map<string, Members[string]>();
  let additional: ValueType | undefined;
  for (const part of parts) {
    if (part.kind !== 'object') return anyType;
    for (const [name, member] of Object.entries(part.properties)) {
      const known = merged.get(name);
      merged.set(name, known === undefined ? member : { type: anyType, required: known.required || member.required });
    }
    additional = part.additional ?? additional;
  }
  return { kind: 'object', properties: Object.fromEntries(merged), additional };
}
