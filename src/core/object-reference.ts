/**
 * Stands for an object of a class of a library, in a result that gives it or an argument that is to be it. On the wire it is
 * its path, `/o/3kP0aZ_q` (docs/objects.md): 48 random bits, which work for one identity alone.
 */

const path = /^\/o\/([A-Za-z0-9_-]{8})$/;

/** The id in the path of an object; undefined where the text is no such path. */
export const objectIdOf = (text: string): string | undefined => path.exec(text)?.[1];

/** Its members are private, so that it looks like data without members to whoever knows only data. */
export class ObjectReference {
  readonly #id: string;
  readonly #classes: readonly string[] | undefined;

  constructor(id: string, classes?: readonly string[]) {
    this.#id = id;
    this.#classes = classes;
  }

  get id(): string {
    return this.#id;
  }

  /** Of an argument that was bound: it has to be of one of these. Undefined where nothing was declared for it. */
  get classes(): readonly string[] | undefined {
    return this.#classes;
  }

  get path(): string {
    return `/o/${this.#id}`;
  }

  /** What formats without tags write. */
  toString(): string {
    return this.path;
  }
}
