/** Prices of shares: the library of the example on streams. They are made up, and the same for everybody. */
import { setTimeout as sleep } from 'node:timers/promises';

const symbols = ['ACME', 'INITECH'] as const;

/**
 * Prices of a share, five in a second.
 * @safe
 */
export async function* prices(symbol: 'ACME' | 'INITECH'): AsyncGenerator<{ symbol: string; price: number }> {
  const first = 100 * (symbols.indexOf(symbol) + 1);
  for (let tick = 0; ; tick++) {
    yield { symbol, price: first + ((tick * 7) % 10) };
    await sleep(200);
  }
}
