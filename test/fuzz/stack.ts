/**
 * The whole gateway but its sockets, in process: engine, front, router, resources, cache and registry with a
 * library of its own, on a clock that only the test moves.
 */
import { ResultCache } from '../../src/cache/result-cache.ts';
import { CoapEngine, defaultEngineLimits, type EngineLimits } from '../../src/coap/engine.ts';
import { defaultParameters } from '../../src/coap/parameters.ts';
import { hash32 } from '../../src/core/bytes.ts';
import type { Datagram, Endpoint } from '../../src/core/datagram.ts';
import { minutes, seconds, type Instant, type Milliseconds } from '../../src/core/duration.ts';
import { Registry } from '../../src/functions/registry.ts';
import type { Scheduler } from '../../src/core/clock.ts';
import { BodyThread } from '../../src/gateway/body-thread.ts';
import { Front } from '../../src/gateway/front.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { RateLimit } from '../../src/gateway/rate-limit.ts';
import { CatalogueResource } from '../../src/gateway/resources/catalogue.ts';
import { ClockResource } from '../../src/gateway/resources/clock.ts';
import { FunctionResource } from '../../src/gateway/resources/function.ts';
import { nothingFollowed } from '../gateway/nothing-followed.ts';
import { WellKnownCoreResource } from '../../src/gateway/resources/well-known-core.ts';
import { Router } from '../../src/gateway/router.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { makeLibraryFolder, waiting, type LibraryFolder } from './library.ts';

/** Small enough that a few thousand datagrams reach each of them. */
export const fuzzLimits: EngineLimits = {
  ...defaultEngineLimits,
  maxPeers: 64,
  maxPending: 20,
  maxUnsafeRecords: 500,
  maxSafeRecordBytes: 256 << 10,
  maxWordings: 256,
  maxAssemblyBytes: 256 << 10,
  maxAssemblies: 40,
  maxKeptBytes: 256 << 10,
  maxKeptResponses: 40,
  maxObservations: 20,
  maxObservationsPerPeer: 4,
};

export const endpointOf = (name: string): Endpoint => {
  const far = name.startsWith('far');
  const remote = { address: far ? '198.51.100.7' : '127.0.0.1', port: 40_000 };
  return { key: name, remote, local: { address: '127.0.0.1', port: 5683 }, loopback: !far };
};

export interface StackOptions {
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  /** A folder of libraries to serve instead of the fuzzer's own. */
  readonly libraries?: string;
}

export class Stack {
  readonly engine: CoapEngine;
  readonly #clock = new ManualScheduler(1000 as Instant);
  readonly #registry: Registry;
  readonly #bodies = new BodyThread({ priorityAddon: undefined });
  readonly #clockResource: ClockResource;
  readonly #folder: LibraryFolder | undefined;

  private constructor(registry: Registry, folder: LibraryFolder | undefined, { uniform }: StackOptions) {
    this.#registry = registry;
    this.#folder = folder;
    const cache = new ResultCache({ maxEntries: 200, maxBytes: 256 << 10 });
    const clock = this.#clock;
    this.#clockResource = new ClockResource({
      timeOfDay: () => new Date(1_750_000_000_000 + clock.now()),
      after: (span, fire) => clock.after(span, fire),
      now: () => clock.now(),
      observe: (request, onEnd, now) => this.engine.observe(request, onEnd, now),
      wake: () => undefined,
    });
    const functions = new FunctionResource({
      followed: nothingFollowed,
      directory: registry,
      invoker: registry,
      cache,
      bodies: this.#bodies,
      clock,
      timeLimit: seconds(10),
    });
    const catalogue = new CatalogueResource(registry);
    const router = new Router()
      .add(['.well-known', 'core'], new WellKnownCoreResource(registry, []))
      .add(['clock'], this.#clockResource)
      .add(['func'], catalogue)
      .add(['func', '*'], catalogue)
      .addSubtree(['func', '*', '*'], functions)
      .addSubtree(['f'], functions);
    const front = new Front({
      router,
      rateLimit: new RateLimit({ perSecond: 20, burst: 100, loopback: false, maxPeers: 64 }),
      access: new AccessRules(openAccess),
      clock,
      respond: (request, response, now) => this.engine.respond(request, response, now),
      wake: () => undefined,
      showInternals: false,
    });
    let count = 0;
    this.engine = new CoapEngine(
      {
        limits: fuzzLimits,
        parametersFor: () => ({ ...defaultParameters, maxBodyBytes: 32 << 10 }),
        random: { uniform, bytes: (length) => Uint8Array.from({ length }, () => ++count & 0xff) },
        seal: (input) => {
          const sealed = new Uint8Array(8);
          new DataView(sealed.buffer).setUint32(0, hash32(input));
          return sealed;
        },
        now: clock.now(),
      },
      front,
    );
  }

  static async open(options: StackOptions): Promise<Stack> {
    const folder = options.libraries === undefined ? makeLibraryFolder() : undefined;
    // Libraries load by the real clock; from then on time is the test's.
    let stack: Stack | undefined;
    const scheduler: Scheduler = {
      now: () => stack?.now ?? systemScheduler.now(),
      after: (span, run) => (stack === undefined ? systemScheduler : stack.#clock).after(span, run),
    };
    const path = options.libraries ?? folder?.path ?? '';
    const registry = await Registry.open({ folder: path, scheduler, probeInterval: minutes(1e6) });
    const broken = registry.libraries().find((library) => library.error !== undefined);
    if (broken !== undefined) throw new TypeError(`${broken.name}: ${broken.error}`);
    stack = new Stack(registry, folder, options);
    return stack;
  }

  get now(): Instant {
    return this.#clock.now();
  }

  /** Everything that comes back for a datagram before time moves on. */
  async send(bytes: Uint8Array, peer: string, multicast = false): Promise<readonly Datagram[]> {
    const before = this.engine.counters().pending;
    this.engine.receive([{ bytes, endpoint: endpointOf(peer), multicast }], this.now);
    if (this.engine.counters().pending > before) await settled();
    return this.engine.takeOutput();
  }

  /** Time passes, deadline by deadline; what is sent meanwhile comes out. */
  async advance(span: Milliseconds | number): Promise<readonly Datagram[]> {
    const end = (this.now + span) as Instant;
    const output: Datagram[] = [];
    for (;;) {
      const next = Math.min(this.engine.nextDeadline() ?? Infinity, this.#clock.nextDeadline() ?? Infinity);
      if (next > end) break;
      this.#clock.moveTo(next as Instant);
      this.engine.poll(this.now);
      output.push(...this.engine.takeOutput());
    }
    this.#clock.moveTo(end);
    this.engine.poll(this.now);
    await settled();
    output.push(...this.engine.takeOutput());
    return output;
  }

  /** Lets the functions that wait answer now. */
  async release(): Promise<readonly Datagram[]> {
    for (const answer of waiting.splice(0)) answer();
    await settled();
    return this.engine.takeOutput();
  }

  async close(): Promise<void> {
    this.#clockResource.close();
    await this.#bodies.close();
    await this.#registry.close();
    this.#folder?.remove();
  }
}

/** All promises that can go on have gone on. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
