/** Which resource a path names. */
import type { Resource } from './resource.ts';

interface Entry {
  readonly path: readonly string[];
  readonly resource: Resource;
  readonly subtree: boolean;
}

export class Router {
  /** By first segment, longest path first. */
  readonly #entries = new Map<string, Entry[]>();

  /** Serves exactly this path (`['.well-known', 'core']`); `*` stands for any one segment, but not for the first. */
  add(path: readonly string[], resource: Resource): this {
    return this.#add({ path, resource, subtree: false });
  }

  /** Serves this path and all below it that nothing else serves. */
  addSubtree(path: readonly string[], resource: Resource): this {
    return this.#add({ path, resource, subtree: true });
  }

  find(path: readonly string[]): Resource | undefined {
    const entries = this.#entries.get(path[0] ?? '');
    return entries?.find((entry) => matches(entry, path))?.resource;
  }

  #add(entry: Entry): this {
    const [first = ''] = entry.path;
    const entries = [...(this.#entries.get(first) ?? []), entry];
    entries.sort((a, b) => b.path.length - a.path.length);
    this.#entries.set(first, entries);
    return this;
  }
}

const matches = ({ path, subtree }: Entry, asked: readonly string[]): boolean =>
  (subtree ? asked.length >= path.length : asked.length === path.length) &&
  path.every((segment, index) => segment === '*' || segment === asked[index]);
