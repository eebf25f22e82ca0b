/**
 * What stands for a result that is not there yet: inside a batch a call gives a reference, and a member of it (`user.id`, `rows[0]`)
 * is a reference to that member. The gateway puts the result in its place (docs/calling.md).
 */
import { UsageError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { ObjectControls } from './remote-object.ts';

declare const result: unique symbol;

/** Stands for a result of this type. Its members stand for the result's; an object of the gateway has none that could be stood for. */
export type Reference<Result> = { readonly [result]: Result } & (Value extends Result
  ? LooseMembers
  : MembersOf<Result>);

type MembersOf<Result> =
  Result extends Pick<ObjectControls, '$uri' | '$class'>
    ? unknown
    : { readonly [Name in keyof Result]: Reference<Result[Name]> };

/** Of a result whose type is not known. */
interface LooseMembers {
  readonly [step: string | number]: Reference<Value>;
}

export type Step = string | number;

export interface Place {
  /** The batch that it belongs to. */
  readonly batch: object;
  /** The call whose result it is. */
  readonly index: number;
  /** From that result inwards. */
  readonly steps: readonly Step[];
}

const places = new WeakMap<object, Place>();

/** Undefined where the value is no reference. */
export const placeOf = (value: unknown): Place | undefined =>
  typeof value === 'function' ? places.get(value) : undefined;

export function referenceTo(place: Place): object {
  const reference = new Proxy(() => {}, {
    get: (_target, name): unknown =>
      // It is no promise, and no text.
      typeof name === 'symbol' || name === 'then'
        ? undefined
        : referenceTo({ ...place, steps: [...place.steps, stepOf(name)] }),
    apply: () => {
      throw notYet(place);
    },
    set: () => false,
  });
  places.set(reference, place);
  return reference;
}

/** Whatever wants to be text asks for one of these. */
const asText: ReadonlySet<Step | undefined> = new Set(['toString', 'valueOf']);

function notYet({ steps }: Place): UsageError {
  const name = steps.at(-1);
  const words = asText.has(name)
    ? 'A reference stands for a whole argument of a call: it cannot be part of one, or of a text.'
    : `${name ?? 'This'} cannot be called on what a call of the same batch gives, as that is not there yet: make the object first, then call its methods in a batch, later.$object(account).deposit(5).`;
  return new UsageError('bad-reference', words);
}

/** `rows[0]` arrives as the text "0". A member with such a name is found by the number too. */
const stepOf = (name: string): Step => (/^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : name);

/** The result at that place; undefined where there is nothing. */
export function follow(value: Value, steps: readonly Step[]): Value {
  let found = value;
  for (const step of steps) {
    if (found instanceof Map) found = (found as ReadonlyMap<Value, Value>).get(step);
    else if (typeof found === 'object' && found !== null && Object.hasOwn(found, step))
      found = (found as Readonly<Record<Step, Value>>)[step];
    else return undefined;
  }
  return found;
}
