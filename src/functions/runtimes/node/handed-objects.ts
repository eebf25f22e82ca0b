/**
 * The objects in what one call returns, at the top or inside: each becomes a reference by an id of the caller's. Of the same object
 * the same one, however often it stands there.
 */
import { ObjectReference } from '../../../core/object-reference.ts';
import type { GivenObject } from '../../call.ts';
import type { ClassNames } from './class-names.ts';
import type { ObjectIds } from './object-ids.ts';
import type { References } from '../../call-context.ts';
import type { InstanceModes } from '../../description.ts';
import { UnportableResult } from './portable.ts';

export class HandedObjects implements References {
  readonly #classes: ClassNames;
  readonly #modes: InstanceModes;
  readonly #ids: ObjectIds;
  readonly #identity: string;
  readonly #given = new Map<object, GivenObject>();

  /** @param identity whose they become */
  constructor(classes: ClassNames, modes: InstanceModes, ids: ObjectIds, identity: string) {
    this.#classes = classes;
    this.#modes = modes;
    this.#ids = ids;
    this.#identity = identity;
  }

  refer(value: object): ObjectReference | undefined {
    const name = classOf(value, this.#classes);
    if (name === undefined) return undefined;
    if (this.#modes.get(name) === 'percall')
      throw new UnportableResult(
        `The result has an object of ${name} in it, which is one for each call and ends with it: give its data.`,
      );
    const given = this.#given.get(value) ?? { ...this.#ids.give(value, this.#identity), class: name };
    this.#given.set(value, given);
    return new ObjectReference(given.id);
  }

  get given(): readonly GivenObject[] | undefined {
    return this.#given.size === 0 ? undefined : [...this.#given.values()];
  }

  takeBack(): void {
    for (const { id } of this.#given.values()) this.#ids.takeBack(id);
  }
}

/** In an item of a stream there are none: nobody keeps accounts of those. */
export class NoObjects implements References {
  readonly given = undefined;
  readonly #classes: ClassNames;

  constructor(classes: ClassNames) {
    this.#classes = classes;
  }

  refer(value: object): undefined {
    const name = classOf(value, this.#classes);
    if (name === undefined) return;
    throw new UnportableResult(
      `An item of the stream has an object of ${name} in it: give its data, and the object by a function that returns it.`,
    );
  }

  takeBack(): void {}
}

/** The exported class of an object, the nearest where it is of a subclass; undefined where it is data. */
function classOf(value: object, classes: ClassNames): string | undefined {
  let at: unknown = Object.getPrototypeOf(value);
  while (typeof at === 'object' && at !== null) {
    const name = classes.get(at);
    if (name !== undefined) return name;
    at = Object.getPrototypeOf(at);
  }
  return undefined;
}
