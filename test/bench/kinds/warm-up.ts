/** Code that has never run under load is compiled meanwhile, and heaps get their size: what is measured is what goes on for days. */
import type { Call } from '../calls.ts';
import { contestants } from '../contestants.ts';
import type { Load } from '../load.ts';
import type { Bench } from '../scenario.ts';

/** Longer than before each measurement. A server in C is as fast at first as later. */
const seconds = (bench: Bench): number => (bench.options.quick ? 0.6 : 3);

export async function warmUp(
  bench: Bench,
  server: Awaited<ReturnType<Bench['start']>>,
  call: Call,
  load: Partial<Load> = {},
): Promise<void> {
  if (contestants[server.name].compiled === true) return;
  await bench.measure(server, call, { ...load, warmUpSeconds: 0, seconds: seconds(bench) });
}
