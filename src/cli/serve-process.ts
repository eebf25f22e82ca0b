/**
 * The program of one gateway process of `serve --processes n`. It has no command line: the supervisor tells it
 * what to do. Metrics and what all processes see alike go to the supervisor, its own lines to the log.
 */
import { channels } from '../core/channels.ts';
import { FuncoapError } from '../core/error.ts';
import type { LibraryInvalidation } from '../functions/registry.ts';
import { defaultRegistryOptions } from '../functions/registry-options.ts';
import { openGateway, type Gateway, type Siblings } from '../gateway/gateway.ts';
import type { Assignment, ToProcess } from '../processes/messages.ts';
import { firstSocketDescriptor, logFileDescriptor, supervised } from '../processes/supervised.ts';
import { logEvents } from '../telemetry/event-log.ts';
import { openLog, type Log } from '../telemetry/log.ts';
import { collectMetrics, lostLines, type Metrics } from '../telemetry/metrics.ts';
import { subscribe } from '../telemetry/subscription.ts';
import type { CoapsOptions } from '../gateway/coaps.ts';
import type { ListenerOptions } from '../transport/listener.ts';
import { openCoapsDoor, type OpenedDoor } from './coaps-door.ts';
import { gatewayOptions } from './gateway-options.ts';
import { openHttp, opensHttp, type OpenedHttp } from './http-door.ts';
import { gatewaySamples } from './gateway-samples.ts';

const supervisor = supervised(hear);
const mayListen = Promise.withResolvers<void>();
let invalidate: ((what: LibraryInvalidation) => void) | undefined;
let log: Log | undefined;
let metrics: Metrics | undefined;
let gateway: Gateway | undefined;
let door: OpenedDoor | undefined;
let http: OpenedHttp | undefined;

function hear(message: ToProcess): void {
  switch (message.kind) {
    case 'load':
      void start(message.assignment);
      return;
    case 'listen':
      mayListen.resolve();
      return;
    case 'invalidate':
      invalidate?.(message.what);
      return;
    case 'count':
      void count();
      return;
    case 'stop':
      void stop();
  }
}

const siblings: Siblings = {
  async ready() {
    await supervisor.tell({ kind: 'loaded' });
    await mayListen.promise;
  },
  invalidated: (what) => void supervisor.tell({ kind: 'invalidated', what }),
  onInvalidated: (listener) => {
    invalidate = listener;
  },
};

async function start({ config, number, of, isTerminal, held, heldSecured }: Assignment): Promise<void> {
  const { env: environment } = process;
  const destination = { fileDescriptor: logFileDescriptor, isTerminal, process: number };
  const opened = openLog({ ...config.log, ...destination, environment, timeOfDay: Date.now });
  log = opened;
  logEvents(opened, { access: config.log.access, shared: true });
  subscribe(channels, {
    library: (event) => void supervisor.tell({ kind: 'library', event }),
    transport: (event) => void supervisor.tell({ kind: 'transport', event }),
  });
  if (config.metrics.enabled)
    metrics = collectMetrics({
      sources: () => [lostLines(opened.lost()), ...(gateway === undefined ? [] : gatewaySamples(gateway.counters()))],
    });
  // A member of a group gets every datagram, so one of the processes is enough, and more would be too many.
  const groups = number === 1 ? config.coap.multicast : [];
  // All load the same libraries at the same time, each with a limit on how long that may take.
  const maxLoading = Math.ceil(defaultRegistryOptions.maxLoading / of);
  try {
    if (heldSecured !== undefined) door = await openCoapsDoor(config, opened.logger, number);
    if (opensHttp(config)) http = await openHttp(config, opened.logger, door?.enrolled, true);
    const coaps = door && adopting(door.options, heldSecured ?? [], held.length);
    const options = gatewayOptions(config, coaps, http?.options);
    const udp = { ...options.udp, ...sharing(held, 0), groups };
    gateway = await openGateway({ ...options, udp, registry: { ...options.registry, maxLoading }, siblings });
    (door?.enrolled ?? http?.own)?.takesPart(number);
  } catch (error) {
    await supervisor.tell({ kind: 'failed', ...failureOf(error) });
    await end(1);
    return;
  }
  const { addresses, securedAddresses, httpUrls } = gateway;
  await supervisor.tell({ kind: 'serving', addresses, securedAddresses, httpUrls, libraries: gateway.libraries() });
}

/** @param first the first of the descriptors that the process was started with */
function sharing(held: readonly string[], first: number): Partial<ListenerOptions> {
  if (held.length === 0) return { reusePort: true };
  const descriptors = new Map(held.map((address, at) => [address, firstSocketDescriptor + first + at]));
  // Any other transport would listen beside the sockets that are held, which nobody would read then.
  return { reusePort: true, held: descriptors, transport: 'native' };
}

const adopting = (options: CoapsOptions, held: readonly string[], first: number): CoapsOptions => ({
  ...options,
  udp: { ...options.udp, ...sharing(held, first) },
});

async function count(): Promise<void> {
  const snapshot = (await metrics?.snapshot()) ?? [];
  await supervisor.tell({ kind: 'counted', metrics: snapshot, memoryBytes: process.memoryUsage.rss() });
}

async function stop(): Promise<void> {
  await gateway?.close();
  await http?.close();
  await door?.close();
  await end(0);
}

async function end(code: number): Promise<never> {
  await log?.close();
  process.exit(code);
}

function failureOf(error: unknown): { isUsage: boolean; code: string; message: string } {
  if (error instanceof FuncoapError && error.family !== 'internal')
    return { isUsage: true, code: error.code, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { isUsage: false, code: 'internal', message };
}
