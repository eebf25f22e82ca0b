/** Objects that live for one call. */
import { expect, test } from 'vitest';
import { letGo, PerCall } from '../../../../src/functions/runtimes/node/per-call.ts';

const closed: unknown[] = [];
class Query {
  readonly #table: unknown;
  constructor(table: unknown) {
    this.#table = table;
  }
  close(): void {
    closed.push(this.#table);
    if (this.#table === 'broken') throw new Error('It cannot be closed.');
  }
}

test('what the call failed with is told, whatever letting go of the object does', async () => {
  const failing = new PerCall(Query, ['broken']).once(() => {
    throw new RangeError('no rows');
  });
  await expect(failing).rejects.toThrow('no rows');
  expect(closed.splice(0)).toEqual(['broken']);
});

test('a stream of what is not iterable fails, and lets go of its object', async () => {
  const items = new PerCall(Query, ['rows']).during(() => 7);
  await expect(items.next()).rejects.toThrow('A stream returns an iterable');
  expect(closed.splice(0)).toEqual(['rows']);
});

test('a member that only has the name is not called', () => {
  expect(letGo({ close: 'at five' })).toBeUndefined();
  expect(letGo({ [Symbol.dispose]: undefined, close: () => closed.push('it') })).toBeUndefined();
  expect(closed.splice(0)).toEqual(['it']);
});
