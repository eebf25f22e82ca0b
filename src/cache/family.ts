/**
 * The kept results of one function, as a ring of neighbours: one comes and goes in constant time and without hashing its key,
 * however many there are. With a Set of keys for each function this was a fifth of what keeping a result costs.
 */

/** A kept result. It is of another object each time it is put, as lru-cache asks for. */
export class Member<Stored extends { readonly family: string }> {
  readonly key: string;
  readonly stored: Stored;
  before: Member<Stored> | undefined;
  behind: Member<Stored> | undefined;
  readonly #measure: (member: Member<Stored>) => void;

  /** `measure`: what is to be done when it takes more memory than before. */
  constructor(key: string, stored: Stored, measure: (member: Member<Stored>) => void) {
    this.key = key;
    this.stored = stored;
    this.#measure = measure;
  }

  grown(): void {
    this.#measure(this);
  }
}

export class Families<Stored extends { readonly family: string }> {
  /** The newest member of each. */
  readonly #newest = new Map<string, Member<Stored>>();

  add(member: Member<Stored>): void {
    const { family } = member.stored;
    const behind = this.#newest.get(family);
    member.behind = behind;
    if (behind !== undefined) behind.before = member;
    this.#newest.set(family, member);
  }

  /** Harmless for one that was never added. */
  remove(member: Member<Stored>): void {
    const { before, behind, stored } = member;
    if (before !== undefined) before.behind = behind;
    else if (this.#newest.get(stored.family) === member) {
      if (behind === undefined) this.#newest.delete(stored.family);
      else this.#newest.set(stored.family, behind);
    }
    if (behind !== undefined) behind.before = before;
    member.before = undefined;
    member.behind = undefined;
  }

  /** Newest first. */
  keysOf(family: string): readonly string[] {
    const keys: string[] = [];
    for (let member = this.#newest.get(family); member !== undefined; member = member.behind) keys.push(member.key);
    return keys;
  }
}
