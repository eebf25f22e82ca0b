/** Notices when a prototype that everything inherits from has been written to. */
import { Violation } from './violation.ts';

const watched: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  Map.prototype,
  String.prototype,
  Number.prototype,
  Promise.prototype,
  Uint8Array.prototype,
  Error.prototype,
];

const shape = (): string =>
  watched
    .map((prototype) => {
      const own = Reflect.ownKeys(prototype).map(String).join();
      const parent: unknown = Object.getPrototypeOf(prototype);
      return `${own} < ${parent === null ? 'null' : Reflect.ownKeys(parent as object).length}`;
    })
    .join('\n');

export class PollutionWatch {
  readonly #before = shape();

  check(): void {
    if (shape() !== this.#before) throw new Violation('a prototype was written to');
  }
}
