/** SIGINT, SIGTERM and, where it is asked for, SIGHUP as an AbortSignal. */

export interface Interrupt {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process there and then.
 *
 * @param more a signal that aborts too, however often it comes: a terminal that is closed says SIGHUP twice
 */
export function onInterrupt(more: readonly 'SIGHUP'[] = []): Interrupt {
  const names = ['SIGINT', 'SIGTERM', ...more] as const;
  const controller = new AbortController();
  const release = (): void => {
    for (const name of names) process.off(name, interrupt);
  };
  const interrupt = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted && name !== 'SIGHUP') process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
  };
  for (const name of names) process.on(name, interrupt);
  return { signal: controller.signal, release };
}
