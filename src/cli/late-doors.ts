/**
 * Doors of a gateway that began when nobody could come in: as soon as somebody is enrolled, or there is a certificate, coaps
 * opens, and HTTP takes tokens, while everything else goes on.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Scheduler } from '../core/clock.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { openCoapsDoor, type OpenedDoor } from './coaps-door.ts';
import { DoorWatch } from './door-watch.ts';
import { openEnrolled, type Enrolled } from './enrolled.ts';
import type { OpenedHttp } from './http-door.ts';
import { uriOf } from './serve-banner.ts';

export interface LateDoorsParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly scheduler: Scheduler;
  readonly gateway: Gateway;
  readonly http: OpenedHttp | undefined;
  /** The number of the process. */
  readonly node: number;
}

export class LateDoors {
  readonly #parts: LateDoorsParts;
  readonly #watch: DoorWatch;
  #opened: OpenedDoor | Enrolled | undefined;

  constructor(parts: LateDoorsParts) {
    this.#parts = parts;
    const { config, logger, scheduler } = parts;
    const open = (): Promise<void> => (config.coaps.listen.length > 0 ? this.#openCoaps() : this.#admit());
    this.#watch = new DoorWatch({ config, logger, scheduler, open });
  }

  /** Opens nothing any more. What is open is the gateway's to close, and then `close` this. */
  stop(): Promise<void> {
    return this.#watch.stop();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#opened?.close();
  }

  async #openCoaps(): Promise<void> {
    const { config, gateway, http, logger, node } = this.#parts;
    const door = await openCoapsDoor(config, logger, node, gateway.fingerprintKey);
    try {
      await gateway.openCoaps(door.options);
    } catch (error) {
      await door.close();
      throw error;
    }
    this.#opened = door;
    http?.admit(door.enrolled);
    const addresses = gateway.securedAddresses.map((address) => uriOf(address, 'coaps'));
    logger.info({ event: 'coaps', addresses }, 'there is somebody who can come in now: coaps is open');
    door.enrolled.takesPart(node);
  }

  async #admit(): Promise<void> {
    const { config, http, logger, node } = this.#parts;
    const enrolled = await openEnrolled(config.data.folder, logger);
    this.#opened = enrolled;
    http?.admit(enrolled);
    enrolled.takesPart(node);
  }
}
