/** Waits for the first who can come in, while the gateway runs: asked ten times a second, until what is to be opened then is open. */
import type { Logger } from 'pino';
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';
import type { Scheduler } from '../core/clock.ts';
import type { Config } from '../config/config.ts';
import { hasIdentities } from '../store/sqlite/identity-store.ts';
import { opensCoaps } from './coaps-door.ts';

export interface DoorWatchParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly scheduler: Scheduler;
  /** May fail, and is tried again then. */
  readonly open: () => Promise<void>;
}

/** Two looks at the file system. As often as a gateway looks for changes of who is enrolled. */
const lookEvery = milliseconds(100);
/** After what did not work: somebody else has the port, say. No RFC's number. */
const againAfter = seconds(5);

export class DoorWatch {
  readonly #parts: DoorWatchParts;
  #cancel: () => void = () => undefined;
  #opening: Promise<void> = Promise.resolve();
  #fault: string | undefined;
  #stopped = false;

  constructor(parts: DoorWatchParts) {
    this.#parts = parts;
    const { coaps, http, https } = parts.config;
    // Of these doors, none.
    if ([coaps, http, https].some(({ listen }) => listen.length > 0)) this.#lookLater(lookEvery);
  }

  /** Resolves when nothing is being opened any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    return this.#opening;
  }

  #lookLater(span: Milliseconds): void {
    if (this.#stopped) return;
    this.#cancel = this.#parts.scheduler.after(span, () => {
      this.#opening = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { config, logger, open } = this.#parts;
    try {
      const isDue = config.coaps.listen.length > 0 ? opensCoaps(config) : hasIdentities(config.data.folder);
      if (isDue) await open();
      else this.#lookLater(lookEvery);
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== this.#fault) logger.error({ event: 'coaps' }, `who is enrolled cannot come in yet: ${fault}`);
      this.#fault = fault;
      this.#lookLater(againAfter);
    }
  }
}
