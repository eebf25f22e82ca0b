import { setImmediate } from 'node:timers/promises';
import { patience } from '../patience.ts';

/** Real sockets: turns of the event loop until something is so. */
export async function eventually(done: () => boolean, turn: () => void = () => undefined): Promise<void> {
  const start = performance.now();
  while (!done()) {
    if (performance.now() - start > patience.timeout) throw new RangeError('it has not come to pass');
    turn();
    await setImmediate();
  }
}
