/** SIGINT and SIGTERM as an AbortSignal. */

export interface Interrupt {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process there and then. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupt);
  };
  const interrupt = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt);
  return { signal: controller.signal, release };
}
