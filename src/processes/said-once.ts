/** What every process says of the same thing (a library was loaded, a buffer is small), said once. */

/** Subjects are libraries and a few of the transport; more than this are forgotten and perhaps said again. */
const maxSubjects = 4096;

export class SaidOnce {
  readonly #latest = new Map<string, { readonly words: string; readonly saidBy: Set<number> }>();

  /** False where another process has said just that as the latest about its subject, and this one not yet. */
  isNew(process: number, subject: string, words: string): boolean {
    const latest = this.#latest.get(subject);
    if (latest?.words === words && !latest.saidBy.has(process)) {
      latest.saidBy.add(process);
      return false;
    }
    if (this.#latest.size >= maxSubjects) this.#latest.clear();
    this.#latest.set(subject, { words, saidBy: new Set([process]) });
    return true;
  }

  /** The process begins anew, and will say again what was said. */
  forget(process: number): void {
    for (const { saidBy } of this.#latest.values()) saidBy.delete(process);
  }
}
