/**
 * Several gateway processes as one gateway: starts them on the same addresses and port, passes on among them
 * what one says to all, starts anew those that end, and takes them down in order.
 * docs/decisions/0006-processes.md says why processes, and why in this way.
 *
 * Linux keeps a peer (its address and port) with one process, so what belongs to a peer (duplicates, blocks,
 * observations) is never passed on. Multicast groups are joined by the first process only: every member of a
 * group gets every datagram.
 */
import type { Scheduler } from '../core/clock.ts';
import type { Address } from '../core/datagram.ts';
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import type { Config } from '../config/config.ts';
import { canSharePort } from '../config/process-count.ts';
import type { LibraryDescription } from '../functions/description.ts';
import { logLibrary, logTransport } from '../telemetry/event-log.ts';
import type { Log } from '../telemetry/log.ts';
import { startChild, type GatewayChild } from './gateway-child.ts';
import { GatewaySlot } from './gateway-slot.ts';
import { holdSockets, type HeldSockets } from './held-sockets.ts';
import { claimHttpPort } from './http-port.ts';
import type { FromProcess } from './messages.ts';
import { claimPort, type PortClaim } from './port-claim.ts';
import { ProcessError } from './process-error.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { SaidOnce } from './said-once.ts';

export interface SupervisorOptions {
  readonly processes: number;
  readonly config: Config;
  /** The program of a gateway process: it calls `supervised`. */
  readonly entry: URL;
  readonly log: Log;
  readonly isTerminal: boolean;
  /** Whether coaps is opened too. */
  readonly secured: boolean;
  readonly scheduler: Scheduler;
}

/** What the gateway is once all serve. */
export interface Serving {
  readonly addresses: readonly Address[];
  readonly securedAddresses: readonly Address[];
  readonly httpUrls: readonly string[];
  readonly libraries: readonly LibraryDescription[];
}

/** A port that is ours alone, and its sockets. */
interface Door {
  readonly claim: PortClaim;
  readonly sockets: HeldSockets;
}

async function openDoor(coap: Parameters<typeof holdSockets>[0], processes: number, secured: boolean): Promise<Door> {
  const claim = await claimPort(coap);
  try {
    return { claim, sockets: await holdSockets({ ...coap, port: claim.port }, claim.addresses, processes, secured) };
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function openSecuredDoor({ config, processes, log }: SupervisorOptions): Promise<Door> {
  const door = await openDoor({ ...config.coap, ...config.coaps }, processes, true);
  const { undivided } = door.sockets;
  if (undivided !== undefined)
    log.logger.warn(
      { event: 'process' },
      `the kernel does not go by Connection IDs (${undivided}): a device whose address changes may have to shake hands again`,
    );
  return door;
}

function closeDoor({ claim, sockets }: Door): void {
  sockets.close();
  claim.release();
}

/** What a process takes to stop beyond the grace that calls have. No RFC's number. */
const stopMargin = seconds(2);

/** What may be said in one line of a process that is not of its log. */
const maxPrintedLength = 4096;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #plain: Door;
  #secured: Door | undefined;
  #config: Config;
  readonly #slots: readonly GatewaySlot[];
  readonly #saidOnce = new SaidOnce();
  readonly #failed = Promise.withResolvers<never>();
  readonly #allLoaded = Promise.withResolvers<void>();
  readonly #allServe = Promise.withResolvers<Serving>();
  readonly #loaded = new Set<number>();
  #securedAddresses: readonly Address[] = [];
  #state: 'starting' | 'serving' | 'stopping' = 'starting';
  readonly metrics: ProcessMetrics;

  /** Claims the port; no process runs yet. @throws UsageError `cannot-listen`, `cannot-share-port` */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const { processes, config } = options;
    if (!canSharePort())
      throw new UsageError(
        'cannot-share-port',
        `processes is ${processes}, but only Linux divides the peers of one port among processes. ` +
          'Set processes to 1, or run a gateway for each port.',
      );
    const plain = await openDoor(config.coap, processes, false);
    try {
      const secured = options.secured ? await openSecuredDoor(options) : undefined;
      const http = await claimHttpPort('http', config.http);
      const https = await claimHttpPort('https', config.https);
      return new Supervisor(options, plain, secured, { http, https });
    } catch (error) {
      closeDoor(plain);
      throw error;
    }
  }

  private constructor(
    options: SupervisorOptions,
    plain: Door,
    secured: Door | undefined,
    ports: { readonly http: number; readonly https: number },
  ) {
    const { processes, config, scheduler, log } = options;
    this.#options = options;
    this.#plain = plain;
    this.#secured = secured;
    this.#config = {
      ...config,
      coap: { ...config.coap, port: plain.claim.port },
      coaps: { ...config.coaps, port: secured?.claim.port ?? config.coaps.port },
      http: { ...config.http, port: ports.http },
      https: { ...config.https, port: ports.https },
    };
    const owner = { scheduler, start: (slot: GatewaySlot) => this.#start(slot) };
    this.#slots = Array.from({ length: processes }, (_, at) => new GatewaySlot(at + 1, owner));
    this.metrics = new ProcessMetrics(this.#slots, { scheduler, lostLines: log.lost });
    // Whoever waits for it looks at the right moment.
    this.#failed.promise.catch(() => undefined);
    process.once('exit', this.#killAll);
  }

  /** Rejects when the processes cannot be kept running, with a ProcessError that says why. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** One sentence each; a process that is being replaced is none as long as another serves. */
  health(): readonly string[] {
    if (this.#state !== 'serving') return [`The gateway is ${this.#state}.`];
    return this.#slots.some(({ serving }) => serving) ? [] : ['No gateway process serves.'];
  }

  /**
   * Starts all processes, and returns when all serve.
   * @throws UsageError, or ProcessError, of the first that could not
   */
  async serve(): Promise<Serving> {
    for (const slot of this.#slots) slot.start();
    await Promise.race([this.#allLoaded.promise, this.failed]);
    for (const slot of this.#slots) slot.tell({ kind: 'listen' });
    const serving = await Promise.race([this.#allServe.promise, this.failed]);
    this.#state = 'serving';
    return serving;
  }

  /** Where coaps listens now. */
  get securedAddresses(): readonly Address[] {
    return this.#securedAddresses;
  }

  /**
   * Somebody is enrolled now: replaces the processes, one after the other, by such as know it, with coaps where it is to be open.
   * @throws UsageError `cannot-listen`, and all stays as it was
   */
  async admit(): Promise<void> {
    if (this.#secured === undefined && this.#config.coaps.listen.length > 0) {
      this.#secured = await openSecuredDoor(this.#options);
      const { coaps } = this.#config;
      this.#config = { ...this.#config, coaps: { ...coaps, port: this.#secured.claim.port } };
    }
    for (const slot of this.#slots) if (this.#state === 'serving') await slot.replace(this.#patience);
  }

  /**
   * Stops all within the grace of the configuration and a little more.
   * @returns how many did not end by themselves and were killed
   */
  async close(): Promise<number> {
    this.#state = 'stopping';
    let killed = 0;
    const cancel = this.#options.scheduler.after(this.#patience, () => {
      for (const slot of this.#slots) {
        if (!slot.running) continue;
        killed++;
        this.#logOf(slot).logger.error({ event: 'process' }, 'a gateway process did not stop in time and is killed');
        slot.kill();
      }
    });
    await Promise.all(this.#slots.map((slot) => slot.stop()));
    cancel();
    process.off('exit', this.#killAll);
    this.metrics.close();
    closeDoor(this.#plain);
    if (this.#secured !== undefined) closeDoor(this.#secured);
    return killed;
  }

  get #patience(): Milliseconds {
    return milliseconds(this.#config.shutdown.grace + stopMargin);
  }

  #start(slot: GatewaySlot): GatewayChild {
    const { entry, isTerminal, processes, log } = this.#options;
    const doors = [this.#plain, ...(this.#secured === undefined ? [] : [this.#secured])];
    const assignment = {
      number: slot.number,
      of: processes,
      config: this.#config,
      isTerminal,
      held: this.#plain.sockets.addresses,
      heldSecured: this.#secured?.sockets.addresses,
    };
    return startChild(
      { entry, assignment, sockets: doors.flatMap(({ sockets }) => sockets.descriptors[slot.number - 1] ?? []) },
      {
        told: (message) => this.#told(slot, message),
        logged: (lines) => log.relay(lines),
        printed: (stream, line) => {
          const level = stream === 'stderr' ? 'warn' : 'info';
          this.#logOf(slot).logger[level]({ event: 'printed', stream }, line.slice(0, maxPrintedLength));
        },
        ended: (how) => this.#ended(slot, how),
      },
    );
  }

  #told(slot: GatewaySlot, message: FromProcess): void {
    slot.hear(message);
    switch (message.kind) {
      case 'loaded':
        this.#loaded.add(slot.number);
        // A later one finds the others serving.
        if (this.#state === 'serving') slot.tell({ kind: 'listen' });
        else if (this.#loaded.size === this.#slots.length) this.#allLoaded.resolve();
        return;
      case 'serving':
        this.#securedAddresses = message.securedAddresses;
        if (this.#slots.every(({ serving }) => serving)) this.#allServe.resolve(message);
        if (this.#state === 'serving')
          this.#logOf(slot).logger.info({ event: 'process' }, 'a new gateway process serves');
        return;
      case 'invalidated':
        for (const other of this.#slots) if (other !== slot) other.tell({ kind: 'invalidate', what: message.what });
        return;
      case 'library': {
        const { event } = message;
        const words = JSON.stringify([event.state, event.functions, event.message]);
        if (!this.#saidOnce.isNew(slot.number, `library ${event.library}`, words)) return;
        logLibrary(this.#logOf(slot), event);
        return;
      }
      case 'transport': {
        const { event } = message;
        if (this.#saidOnce.isNew(slot.number, `${event.kind} ${event.message}`, ''))
          logTransport(this.#logOf(slot), event);
        return;
      }
      case 'counted':
        this.metrics.counted(slot, message.metrics);
        break;
      case 'failed':
      // What it means is decided when the process has ended.
    }
  }

  #ended(slot: GatewaySlot, how: string): void {
    const { failure } = slot;
    const delay = slot.ended();
    this.metrics.ended(slot);
    this.#saidOnce.forget(slot.number);
    if (this.#state === 'stopping') return;
    if (delay === 'now') {
      slot.start();
      return;
    }
    const { logger } = this.#logOf(slot);
    if (this.#state === 'starting') {
      this.#fail(
        failure?.isUsage === true
          ? new UsageError(failure.code, failure.message)
          : new ProcessError(
              'process-ended',
              `Gateway process ${slot.number} ended ${how} while it started${because(failure?.message)}`,
            ),
      );
      return;
    }
    if (delay === undefined) {
      this.#fail(
        new ProcessError(
          'process-ended',
          `Gateway process ${slot.number} ends soon after every start, the last time ${how}: the gateway stops${because(failure?.message)}`,
        ),
      );
      return;
    }
    logger.error(
      { event: 'process', delayMs: delay },
      `a gateway process ended ${how}; ${this.#consequence()} until it is replaced${because(failure?.message)}`,
    );
    slot.startAfter(delay);
  }

  #consequence(): string {
    return this.#plain.sockets.addresses.length > 0
      ? 'what its peers send waits'
      : 'peers are divided among the others';
  }

  #fail(error: UsageError | ProcessError): void {
    this.#state = 'stopping';
    this.#failed.reject(error);
  }

  #logOf({ number }: GatewaySlot): Pick<Log, 'logger'> {
    return { logger: this.#options.log.logger.child({ process: number }) };
  }

  readonly #killAll = (): void => {
    for (const slot of this.#slots) slot.kill();
  };
}

const because = (message: string | undefined): string =>
  message === undefined ? '. Lines before this one may say why.' : `: ${message}`;
