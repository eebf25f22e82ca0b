/** SIGINT, SIGTERM and, where it is asked for, SIGHUP as an AbortSignal. */
import { milliseconds, until, after, type Instant } from '../core/duration.ts';
import { systemScheduler } from '../transport/scheduler.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Ctrl-C under `npm start` comes twice, from the terminal and from npm; a person takes longer to press it again. */
const sameSignal = milliseconds(300);

/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process there and then.
 *
 * @param more a signal that aborts too, however often it comes: a terminal that is closed says SIGHUP twice
 */
export function onInterrupt(more: readonly 'SIGHUP'[] = []): Interrupt {
  const names = ['SIGINT', 'SIGTERM', ...more] as const;
  const controller = new AbortController();
  let isSameUntil: Instant | undefined;
  const release = (): void => {
    for (const name of names) process.off(name, interrupt);
  };
  const interrupt = (name: NodeJS.Signals): void => {
    const now = systemScheduler.now();
    isSameUntil ??= after(now, sameSignal);
    const isSecond = controller.signal.aborted && until(isSameUntil, now) <= 0;
    if (isSecond && name !== 'SIGHUP') process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
  };
  for (const name of names) process.on(name, interrupt);
  return { signal: controller.signal, release };
}
