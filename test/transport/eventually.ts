import { setImmediate } from 'node:timers/promises';

/** Real sockets: turns of the event loop until something is so, for at most twenty seconds. */
export async function eventually(done: () => boolean, turn: () => void = () => undefined): Promise<void> {
  const start = performance.now();
  while (!done()) {
    if (performance.now() - start > 20_000) throw new RangeError('it has not come to pass in twenty seconds');
    turn();
    await setImmediate();
  }
}
