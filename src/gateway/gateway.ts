/** The composition root: puts the parts of a gateway together, and takes them down in order. */
import { ResultCache, type ResultCacheOptions } from '../cache/result-cache.ts';
import type { CacheCounters } from '../cache/cacheable.ts';
import { CoapEngine, type EngineCounters } from '../coap/engine.ts';
import type { Address, Datagram, Endpoint } from '../core/datagram.ts';
import { channels } from '../core/channels.ts';
import type { Milliseconds } from '../core/duration.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { contentFormat } from '../cbor/content-format.ts';
import type { Link } from '../directory/link-format.ts';
import type { LibraryDescription } from '../functions/description.ts';
import { Registry, type LibraryInvalidation } from '../functions/registry.ts';
import type { RegistrySettings } from '../functions/registry-options.ts';
import { associationOf } from '../dtls/association.ts';
import { openHttpDoor, type HttpOptions } from '../http/door.ts';
import { drive } from '../transport/driver.ts';
import { systemRandomness } from '../transport/randomness.ts';
import { systemScheduler, systemTimeOfDay } from '../transport/scheduler.ts';
import { findAddon } from '../transport/native/compile.ts';
import { openListener, type ListenerOptions } from '../transport/listener.ts';
import { watched } from '../transport/watched-engine.ts';
import type { TransportCounters } from '../transport/notices.ts';
import { JoinedTransport } from '../transport/joined-transport.ts';
import { AccessRules, type AccessRule } from './access-rules.ts';
import { Batches } from './batch.ts';
import { BodyThread } from './body-thread.ts';
import { Calls } from './calls.ts';
import { CoapsDoor, type CoapsCounters, type CoapsOptions } from './coaps.ts';
import { CoapsLedger } from './coaps-ledger.ts';
import { engineOptions, type EngineSettings } from './engine-options.ts';
import { Front } from './front.ts';
import { Jobs, type JobSettings } from './jobs.ts';
import type { ObjectSettings } from './object-leases.ts';
import { Objects } from './objects.ts';
import type { OngoingCounters } from './ongoing.ts';
import { RateLimit, type RateLimitOptions } from './rate-limit.ts';
import { BatchResource } from './resources/batch.ts';
import { CatalogueResource } from './resources/catalogue.ts';
import { ClockResource } from './resources/clock.ts';
import { FunctionResource } from './resources/function.ts';
import { JobResource } from './resources/job.ts';
import { ObjectResource } from './resources/object.ts';
import { WellKnownCoreResource } from './resources/well-known-core.ts';
import { lastWords, settled } from './settled.ts';
import { Router } from './router.ts';
import { CoapStreams } from './streams/coap-streams.ts';
import { ObjectStreams } from './streams/object-streams.ts';
import { Streams, type StreamSettings } from './streams/streams.ts';
import { CoapWatches } from './watches/coap-watches.ts';
import { Watches } from './watches/watches.ts';

export interface GatewayOptions extends EngineSettings {
  readonly udp: Partial<ListenerOptions>;
  /** Undefined: plain CoAP only. */
  readonly coaps: CoapsOptions | undefined;
  /** Undefined: no HTTP. */
  readonly http: HttpOptions | undefined;
  readonly rateLimit: RateLimitOptions;
  readonly access: readonly AccessRule[];
  readonly registry: Partial<RegistrySettings>;
  readonly cache: ResultCacheOptions;
  readonly streams: StreamSettings;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
  readonly jobs: JobSettings;
  readonly objects: ObjectSettings;
  readonly showInternals: boolean;
  /** How long requests in flight may take to finish on close. */
  readonly shutdownGrace: Milliseconds;
  /** The other processes where several are one gateway. */
  readonly siblings?: Siblings;
}

/** Gateways in other processes, of the same libraries, on the same addresses and port. */
export interface Siblings {
  /** Waited for between loading and listening. */
  ready(): Promise<void>;
  /** A library of this gateway says that cached results are out of date. */
  invalidated(what: LibraryInvalidation): void;
  /** Calls `listener` for what a library of another one says. */
  onInvalidated(listener: (what: LibraryInvalidation) => void): void;
}

export interface GatewayCounters {
  readonly engine: EngineCounters;
  readonly cache: CacheCounters;
  /** Of both doors. */
  readonly transport: TransportCounters;
  /** Undefined where coaps is not open. */
  readonly dtls: CoapsCounters | undefined;
  readonly ongoing: OngoingCounters;
}

export interface Gateway {
  /** Where plain CoAP listens, with the ports really bound. */
  readonly addresses: readonly Address[];
  /** The same for coaps. */
  readonly securedAddresses: readonly Address[];
  /** Where HTTP listens: `http://127.0.0.1:3419`. */
  readonly httpUrls: readonly string[];
  /** By which requests are told apart: a store of associations that is opened later has to use it. */
  readonly fingerprintKey: number;
  /** Opens coaps, which was not open yet. @throws UsageError where no address can be bound */
  openCoaps(options: CoapsOptions): Promise<void>;
  libraries(): readonly LibraryDescription[];
  counters(): GatewayCounters;
  close(): Promise<void>;
}

/**
 * Loads the libraries, then listens.
 * @throws UsageError where no address can be bound, or the libraries' folder is not there
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const clock = systemScheduler;
  const priorityAddon = await nativeFile(options);
  const registry = await Registry.open({ priorityAddon, ...options.registry, scheduler: clock });
  const cache = new ResultCache(options.cache);
  const invalidate = (what: LibraryInvalidation): void => {
    if ('tag' in what) cache.invalidateTag(what.library, what.tag);
    else cache.invalidateFunction(what.library, what.method);
  };
  registry.onInvalidate((what) => {
    invalidate(what);
    options.siblings?.invalidated(what);
  });
  options.siblings?.onInvalidated(invalidate);
  registry.onChange((library) => cache.invalidateLibrary(library));

  const bodies = new BodyThread({ priorityAddon });
  const wake = (): void => driven.wake();
  const clockResource = new ClockResource({
    timeOfDay: () => new Date(),
    after: (span, fire) => clock.after(span, fire),
    now: () => clock.now(),
    observe: (request, onEnd, now) => engine.observe(request, onEnd, now),
    wake,
  });
  const access = new AccessRules(options.access);
  const rateLimit = new RateLimit(options.rateLimit);
  const { timeLimit } = options;
  let credentials = options.coaps?.credentials;
  const enrolled = () => credentials ?? options.http?.identities()?.credentials;
  const objects = new Objects({
    ...options.objects,
    invoker: registry,
    scheduler: clock,
    timeLimit: options.timeLimit,
    randomBytes: systemRandomness.bytes,
  });
  const calling = { directory: registry, invoker: objects.exchange, cache, bodies, clock, timeLimit };
  const jobs = new Jobs({
    ...calling,
    ...options.jobs,
    invoker: objects.exchange.forJobs,
    access,
    enrolled,
    scheduler: clock,
    timeOfDay: () => timeOfDay(systemTimeOfDay()),
    randomBytes: systemRandomness.bytes,
  });
  const streams = new Streams({
    ...options.streams,
    opener: new ObjectStreams(objects.exchange, objects),
    scheduler: clock,
    randomBytes: systemRandomness.bytes,
    versionOf: (library) => registry.libraries().find(({ name }) => name === library)?.version,
  });
  registry.onChange((library) => streams.libraryChanged(library));
  const coapStreams = new CoapStreams({
    streams,
    scheduler: clock,
    observe: (request, onEnd, now) => engine.observe(request, onEnd, now),
    respond: (request, response, now) => engine.respond(request, response, now),
    wake,
    timeLimit: options.timeLimit,
    showInternals: options.showInternals,
  });
  const watches = new Watches({ ...calling, scheduler: clock });
  const coapWatches = new CoapWatches({
    watches,
    clock,
    observe: (request, onEnd, now) => engine.observe(request, onEnd, now),
    isGone: (endpoint) => associationOf(endpoint)?.state === 'closed',
    wake,
    showInternals: options.showInternals,
  });
  const objectResource = new ObjectResource(objects, (visit, call, now) => coapStreams.answer(visit, call, now));
  const functions = new FunctionResource({
    ...calling,
    followed: {
      stream: (visit, call, now) => coapStreams.answer(visit, call, now),
      watch: (visit, call) => coapWatches.answer(visit, call),
    },
    jobs,
    objects: objectResource,
  });
  const jobResource = new JobResource({
    jobs,
    clock,
    observe: (request, onEnd, now) => engine.observe(request, onEnd, now),
    wake,
    showInternals: options.showInternals,
  });
  const catalogue = new CatalogueResource(registry);
  const batches = new Batches({ ...calling, objects, rateLimit, enrolled });
  const router = new Router()
    .add(['.well-known', 'core'], new WellKnownCoreResource(registry, entryPoints))
    .add(['clock'], clockResource)
    .add(['func'], catalogue)
    .add(['func', '*'], catalogue)
    .addSubtree(['func', '*', '*'], functions)
    .add(['f', '*'], catalogue)
    .addSubtree(['f'], functions)
    .add(['b'], new BatchResource(batches))
    .add(['j'], jobResource)
    .add(['j', '*'], jobResource)
    .add(['o', '*'], objectResource)
    .add(['o', '*', '*'], objectResource);
  const front = new Front({
    router,
    rateLimit,
    access,
    clock,
    respond: (request, response, now) => engine.respond(request, response, now),
    wake,
    showInternals: options.showInternals,
  });
  const calls = new Calls({
    ...calling,
    streams,
    watches,
    batches,
    jobs,
    objects,
    access,
    rateLimit,
    showInternals: options.showInternals,
  });
  await options.siblings?.ready();
  const ledger = new CoapsLedger(options.coaps?.store, {
    clock,
    timeOfDay: () => timeOfDay(systemTimeOfDay()),
    uniform: systemRandomness.uniform,
    wake,
  });
  const onVerified = (endpoint: Endpoint): void => coaps?.verified(endpoint);
  const engine = new CoapEngine({ ...engineOptions(options, access), ledger, onVerified }, front);
  const given = options.coaps && new CoapsDoor(options.coaps, clock, engine);
  let coaps = given;
  const driven = await drive(
    watched(engine, { looks: () => channels.message.hasSubscribers, see: publishMessage }),
    (receiver) =>
      JoinedTransport.open(
        (plain) => openListener(options.udp, plain),
        given && ((associations) => given.open(associations)),
        receiver,
      ),
    clock,
  ).catch(async (error: unknown) => {
    await registry.close();
    throw error;
  });
  const http =
    options.http &&
    (await openHttpDoor(options.http, calls, clock).catch(async (error: unknown) => {
      await Promise.all([driven.close(), registry.close()]);
      throw error;
    }));
  try {
    jobs.start();
  } catch (error) {
    await Promise.all([driven.close(), http?.close(), registry.close()]);
    throw error;
  }
  return {
    get addresses() {
      return driven.transport.addresses;
    },
    get securedAddresses() {
      return driven.transport.secured?.addresses ?? [];
    },
    httpUrls: http?.urls ?? [],
    fingerprintKey: ledger.fingerprintKey,
    openCoaps: async (late) => {
      const door = new CoapsDoor(late, clock, engine);
      credentials = late.credentials;
      ledger.use(late.store);
      await driven.transport.secure((associations) => door.open(associations));
      coaps = door;
    },
    libraries: () => registry.libraries(),
    counters: () => ({
      engine: engine.counters(),
      cache: cache.counters(),
      transport: sum(driven.transport.plain.counters, driven.transport.secured?.counters),
      dtls: coaps?.counters(),
      ongoing: { jobs: jobs.running, streams: streams.size, watches: watches.size },
    }),
    close: async () => {
      front.close();
      calls.close();
      http?.stopAccepting();
      clockResource.close();
      jobs.close();
      streams.close();
      watches.close();
      objects.close();
      const isIdle = (): boolean => engine.counters().pending === 0 && (http?.pending ?? 0) === 0 && jobs.running === 0;
      await settled(isIdle, options.shutdownGrace);
      // Calls that still run fail now, and their callers are told before the sockets close.
      await Promise.all([registry.close(), bodies.close()]);
      await settled(isIdle, lastWords);
      await jobs.closeStore();
      coaps?.close();
      await Promise.all([driven.close(), http?.close()]);
    },
  };
}

/** Who asks for the portable transport gets no native code for threads either. */
async function nativeFile({ udp }: GatewayOptions): Promise<string | undefined> {
  const found = udp.transport === 'dgram' ? undefined : await findAddon();
  return found?.missing === undefined ? found?.file : undefined;
}

const entryPoints: readonly Link[] = [
  {
    target: '/clock',
    attributes: [
      { name: 'rt', value: 'clock' },
      { name: 'title', value: 'The time of day' },
      { name: 'ct', value: String(contentFormat.text) },
      { name: 'obs', value: undefined },
    ],
  },
];

/** For whoever listens on the `message` channel. */
function publishMessage(direction: 'in' | 'out', { bytes, endpoint }: Datagram): void {
  channels.message.publish({ direction, peer: `${endpoint.remote.address}:${endpoint.remote.port}`, bytes });
}

const sum = (one: TransportCounters, other: TransportCounters | undefined): TransportCounters => ({
  received: one.received + (other?.received ?? 0),
  sent: one.sent + (other?.sent ?? 0),
  dropped: one.dropped + (other?.dropped ?? 0),
  sendFailed: one.sendFailed + (other?.sendFailed ?? 0),
  socketErrors: one.socketErrors + (other?.socketErrors ?? 0),
});
