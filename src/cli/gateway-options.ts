/** From the configuration, as an operator thinks of it, to the options of the gateway's parts. */
import type { AccessRuleConfig, Config } from '../config/config.ts';
import { profileLookup, type LinkProfile } from '../config/link-profile.ts';
import { szxWithin } from '../coap/blockwise/block-option.ts';
import { defaultTransmissionOptions, type TransmissionOptions } from '../coap/parameters.ts';
import { defaultWorkerPoolOptions } from '../functions/worker-pool-options.ts';
import type { AccessRule } from '../gateway/access-rules.ts';
import type { GatewayOptions } from '../gateway/gateway.ts';
import { hasJobs, SqliteJobStore } from '../store/sqlite/job-store.ts';
import { systemScheduler } from '../transport/scheduler.ts';

export function gatewayOptions(
  config: Config,
  coaps: GatewayOptions['coaps'],
  http: GatewayOptions['http'],
): GatewayOptions {
  const { cache, coap, data, jobs, limits, objects, rate, streams, workers } = config;
  return {
    udp: {
      transport: coap.transport,
      listen: coap.listen,
      port: coap.port,
      receiveBufferBytes: coap.receiveBuffer,
      groups: coap.multicast,
    },
    coaps,
    http,
    limits: {
      maxPeers: limits.peers,
      maxPending: limits.pending,
      maxUnsafeRecords: limits.dedupUnsafe,
      maxSafeRecordBytes: limits.dedupSafe,
      maxWordings: limits.repeatedRequests,
      maxAssemblyBytes: limits.transferBytes,
      maxAssemblies: limits.transfers,
      maxKeptBytes: limits.transferBytes,
      maxKeptResponses: limits.transfers,
      maxObservations: limits.observers,
      maxObservationsPerPeer: limits.observersPerPeer,
      maxTokenBytes: limits.tokenLength,
    },
    transmissionFor: transmissionLookup(config),
    rateLimit: { ...rate, maxPeers: limits.peers },
    access: config.access.map(accessRule),
    registry: {
      folder: config.libraries.folder,
      maxWorkers: workers.total,
      pool: {
        ...defaultWorkerPoolOptions,
        timeLimit: workers.timeLimit,
        maxWorkers: workers.threads,
        // No more can wait than are open.
        idleStreams: streams.total,
        maxQueued: workers.queue,
        maxHeapMebibytes: Math.floor(workers.memory / (1024 * 1024)),
      },
    },
    streams: {
      maxStreams: streams.total,
      maxStreamsPerPeer: streams.perPeer,
      lifetime: streams.lifetime,
      itemLimit: streams.itemLimit,
    },
    cache: { maxEntries: cache.entries, maxBytes: cache.bytes },
    timeLimit: workers.timeLimit,
    jobs: {
      openStore: () => SqliteJobStore.open(data.folder, systemScheduler),
      hasStore: () => hasJobs(data.folder),
      limits: {
        maxJobs: jobs.total,
        maxJobsPerIdentity: jobs.perIdentity,
        maxJobsPerNetwork: jobs.perPeer,
        maxBytes: jobs.bytes,
      },
      maxRunning: jobs.running,
      timeLimit: jobs.timeLimit,
      retention: jobs.retention,
    },
    objects: {
      lease: objects.lease,
      maxObjects: objects.total,
      maxObjectsPerIdentity: objects.perIdentity,
      maxObjectsPerPeer: objects.perPeer,
    },
    showInternals: config.debug.internals,
    shutdownGrace: config.shutdown.grace,
  };
}

function accessRule({ profile, ...rule }: AccessRuleConfig): AccessRule {
  const { blockSize, maxBody, ...timing } = profile;
  const link = {
    ...timing,
    szx: blockSize === undefined ? undefined : szxWithin(blockSize),
    maxBodyBytes: maxBody,
  };
  return { ...rule, link: Object.fromEntries(Object.entries(link).filter(([, value]) => value !== undefined)) };
}

/** One object per profile, so that what is derived from it is derived once. */
function transmissionLookup(config: Config): (address: string) => TransmissionOptions {
  const made = new Map<LinkProfile, TransmissionOptions>();
  const find = profileLookup(config.profiles, config.profile);
  return (address) => {
    const profile = find(address);
    const known = made.get(profile);
    if (known !== undefined) return known;
    const transmission = {
      ...defaultTransmissionOptions,
      ackTimeout: profile.ackTimeout,
      ackRandomFactor: profile.ackRandomFactor,
      maxRetransmit: profile.maxRetransmit,
      nstart: profile.nstart,
      leisure: config.coap.leisure,
      piggybackWindow: profile.piggybackWindow,
      szx: szxWithin(profile.blockSize) ?? defaultTransmissionOptions.szx,
      maxBodyBytes: profile.maxBody,
    };
    made.set(profile, transmission);
    return transmission;
  };
}
