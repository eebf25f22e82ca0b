/** A gateway process from its own side: it does what the supervisor says, and ends when that is gone. */
import type { FromProcess, ToProcess } from './messages.ts';

/** Where the log of a gateway process goes: the first descriptor after Node's channel. */
export const logFileDescriptor = 4;

/** The sockets that the supervisor holds for the process. */
export const firstSocketDescriptor = 5;

export interface Supervisor {
  /** Resolves when it is on its way, or will never be. */
  readonly tell: (message: FromProcess) => Promise<void>;
}

/** Listens to the supervisor from here on. A process that was not started by one ends at once. */
export function supervised(hear: (message: ToProcess) => void): Supervisor {
  // Nobody would be left to stop it, and its port would be taken for ever.
  const orphaned = (): never => process.exit(1);
  if (process.send === undefined || !process.connected) orphaned();
  process.on('disconnect', orphaned);
  // The only boundary: whoever can write to this channel started the process.
  process.on('message', (message) => hear(message as ToProcess));
  // A terminal and a service manager signal every process; the supervisor says what is to be done, and when.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
  return {
    // A channel that closes meanwhile is told by `disconnect`.
    tell: (message) =>
      new Promise((resolve) => {
        process.send?.(message, undefined, undefined, () => resolve());
      }),
  };
}
