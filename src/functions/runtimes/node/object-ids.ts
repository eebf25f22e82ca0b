/**
 * Which objects of a thread peers know, and by which ids: each identity has an id of its own for an instance, the same as often as
 * it is given it. An instance without ids is nobody's but the library's.
 *
 * How often an id was given is counted, here and in the gateway: who lets go of it says what it has counted, so that an id that is on its
 * way to its identity once more meanwhile stays.
 */
import { randomBytes } from 'node:crypto';

export interface GivenId {
  readonly id: string;
  /** This one included. */
  readonly times: number;
}

interface Known {
  readonly object: object;
  readonly identity: string;
  times: number;
}

/** 48 random bits: too many to guess, 8 characters. */
const idBytes = 6;

/** The ids of one instance. */
interface Ids {
  readonly ofIdentity: Map<string, string>;
  count: number;
}

export class ObjectIds {
  readonly #known = new Map<unknown, Known>();
  readonly #ids = new WeakMap<object, Ids>();

  /** Undefined where nobody knows it by this id any more. */
  object(id: unknown): object | undefined {
    return this.#known.get(id)?.object;
  }

  /** The id was made elsewhere. A constructor may return what its caller has already: then there are two of one identity. */
  add(id: string, object: object, identity: string): void {
    const ids = this.#ids.get(object) ?? { ofIdentity: new Map<string, string>(), count: 0 };
    this.#ids.set(object, ids);
    ids.count++;
    ids.ofIdentity.set(identity, id);
    this.#known.set(id, { object, identity, times: 1 });
  }

  /** The id of the instance for an identity that is given it now. */
  give(object: object, identity: string): GivenId {
    const id = this.#ids.get(object)?.ofIdentity.get(identity);
    const known = id === undefined ? undefined : this.#known.get(id);
    if (id !== undefined && known !== undefined) return { id, times: ++known.times };
    const made = randomBytes(idBytes).toString('base64url');
    this.add(made, object, identity);
    return { id: made, times: 1 };
  }

  /** It did not reach its identity. */
  takeBack(id: string): void {
    const known = this.#known.get(id);
    if (known !== undefined && --known.times === 0) this.#forget(id, known);
  }

  /** @returns the instance, where that was the last of its ids */
  remove(id: unknown, times: unknown): object | undefined {
    const known = this.#known.get(id);
    return known === undefined || known.times !== times ? undefined : this.#forget(id, known);
  }

  #forget(id: unknown, { object, identity }: Known): object | undefined {
    this.#known.delete(id);
    const ids = this.#ids.get(object);
    if (ids === undefined) return undefined;
    if (ids.ofIdentity.get(identity) === id) ids.ofIdentity.delete(identity);
    return --ids.count === 0 ? object : undefined;
  }
}
