/** HTTP doors of any settings before one set of libraries: loading those takes longer than all else. */
import { ObjectStreams } from '../../src/gateway/streams/object-streams.ts';
import { defaultStreamSettings, Streams } from '../../src/gateway/streams/streams.ts';
import { Watches } from '../../src/gateway/watches/watches.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Credentials } from '../../src/devices/credentials.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { gatewayOptions } from '../../src/cli/gateway-options.ts';
import { openHttp } from '../../src/cli/http-door.ts';
import type { Scheduler } from '../../src/core/clock.ts';
import { seconds } from '../../src/core/duration.ts';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import { Registry } from '../../src/functions/registry.ts';
import { defaultWorkerPoolOptions } from '../../src/functions/worker-pool-options.ts';
import { AccessRules, openAccess, type AccessRule } from '../../src/gateway/access-rules.ts';
import { BodyThread } from '../../src/gateway/body-thread.ts';
import { Batches } from '../../src/gateway/batch.ts';
import { Calls } from '../../src/gateway/calls.ts';
import { Jobs } from '../../src/gateway/jobs.ts';
import { Objects } from '../../src/gateway/objects.ts';
import { RateLimit, type RateLimitOptions } from '../../src/gateway/rate-limit.ts';
import { openHttpDoor, type HttpDoor, type HttpOptions } from '../../src/http/door.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { parsedConfig } from '../config/loading.ts';

export type DoorSettings = Partial<HttpOptions> & {
  readonly access?: readonly AccessRule[];
  readonly rate?: Partial<RateLimitOptions>;
  /** Of the door alone; functions run by the system's time, from which it begins. */
  readonly scheduler?: Scheduler;
};

export interface OpenDoor {
  readonly door: HttpDoor;
  readonly calls: Calls;
  readonly cache: ResultCache;
  readonly url: string;
  readonly secureUrl: string;
  close(): Promise<void>;
}

export interface Doors {
  /** With the libraries. */
  readonly folder: string;
  open(settings?: DoorSettings): Promise<OpenDoor>;
  /** Those that were opened since it was last called. */
  closeOpened(): Promise<void>;
  close(): Promise<void>;
}

/** @param data folder of identities; without one nobody is enrolled */
export async function openDoors(libraries: Readonly<Record<string, string>>, data?: string): Promise<Doors> {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-doors-'));
  for (const [path, source] of Object.entries(libraries)) {
    mkdirSync(dirname(join(folder, 'libraries', path)), { recursive: true });
    writeFileSync(join(folder, 'libraries', path), source);
  }
  const scheduler = systemScheduler;
  // A thread takes its time to start where many tests run at once, and what stops a call is what a test does.
  const pool = { ...defaultWorkerPoolOptions, loadLimit: seconds(30), timeLimit: seconds(120) };
  const registry = await Registry.open({ folder: join(folder, 'libraries'), pool, scheduler });
  const bodies = new BodyThread({ priorityAddon: undefined });
  const log = openLog({ level: 'silent', format: 'json', fileDescriptor: 2, environment: {}, timeOfDay: () => 0 });
  const config = parsedConfig({
    http: { listen: ['127.0.0.1'], port: 0 },
    https: { listen: data === undefined ? [] : ['127.0.0.1'], port: 0 },
    data: { folder: data ?? join(folder, 'data') },
  });
  const http = await openHttp(config, log.logger, undefined, false);
  const opened: OpenDoor[] = [];
  const openedAt = scheduler.now();
  return {
    folder,
    async open({ access = openAccess, rate = {}, scheduler: doorScheduler = scheduler, ...options } = {}) {
      // Each of its calls would be out of time from the start, and end so now and then.
      if (doorScheduler.now() < openedAt) throw new Error('The clock of a door begins at systemScheduler.now().');
      const parts = {
        directory: registry,
        invoker: registry,
        cache: new ResultCache(),
        rateLimit: new RateLimit({ perSecond: 100, burst: 200, loopback: false, maxPeers: 100, ...rate }),
        clock: scheduler,
        timeLimit: seconds(20),
      };
      const rules = new AccessRules(access);
      const { jobs: settings } = gatewayOptions(config, undefined, undefined);
      const objects = new Objects({
        ...parts,
        lease: seconds(60),
        maxObjects: 100,
        maxObjectsPerIdentity: 10,
        maxObjectsPerPeer: 10,
        scheduler,
        randomBytes: systemRandomness.bytes,
      });
      const calling = { ...parts, invoker: objects.exchange };
      const enrolled = (): Credentials | undefined => http.options.identities()?.credentials;
      const jobs = new Jobs({
        ...parts,
        ...settings,
        invoker: objects.exchange.forJobs,
        bodies,
        access: rules,
        enrolled,
        scheduler,
        timeOfDay: () => timeOfDay(Date.now()),
        randomBytes: systemRandomness.bytes,
      });
      const calls = new Calls({
        ...calling,
        batches: new Batches({ ...calling, objects, enrolled }),
        jobs,
        objects,
        bodies,
        access: rules,
        streams: new Streams({
          ...defaultStreamSettings,
          opener: new ObjectStreams(objects.exchange, objects),
          scheduler,
          randomBytes: systemRandomness.bytes,
          versionOf: () => undefined,
        }),
        watches: new Watches({ ...calling, scheduler }),
        showInternals: false,
      });
      const door = await openHttpDoor({ ...http.options, secureListen: [], ...options }, calls, doorScheduler);
      const urlOf = (scheme: string): string => door.urls.find((url) => url.startsWith(`${scheme}:`)) ?? '';
      const open = { door, calls, cache: parts.cache, url: urlOf('http'), secureUrl: urlOf('https'), close };
      opened.push(open);
      return open;
      async function close(): Promise<void> {
        jobs.close();
        objects.close();
        await Promise.all([door.close(), jobs.closeStore()]);
      }
    },
    async closeOpened() {
      await Promise.all(opened.splice(0).map((door) => door.close()));
    },
    async close() {
      await Promise.all([registry.close(), bodies.close(), http.close(), log.close()]);
      rmSync(folder, { recursive: true });
    },
  };
}
