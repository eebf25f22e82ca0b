/** Waiting for what is under way when a gateway stops. */
import { milliseconds, type Milliseconds } from '../core/duration.ts';
import { systemScheduler } from '../transport/scheduler.ts';

/** For answers that are ready to leave. */
export const lastWords: Milliseconds = milliseconds(200);

const lookEvery = milliseconds(10);

/** Waits until it is so, at most for `grace`. */
export async function settled(isSo: () => boolean, grace: Milliseconds): Promise<void> {
  const giveUp = systemScheduler.now() + grace;
  while (!isSo() && systemScheduler.now() < giveUp) {
    await new Promise<void>((resolve) => {
      systemScheduler.after(lookEvery, resolve);
    });
  }
}
