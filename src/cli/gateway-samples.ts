/** The figures that the parts of the gateway keep, as metrics. */
import type { GatewayCounters } from '../gateway/gateway.ts';
import type { MetricSample } from '../telemetry/metrics.ts';

type Metric = readonly [kind: 'gauge' | 'counter', help: string];
type Metrics = {
  readonly [Part in keyof GatewayCounters]: Readonly<Record<keyof NonNullable<GatewayCounters[Part]>, Metric>>;
};

const metrics: Metrics = {
  engine: {
    peers: ['gauge', 'Peers remembered.'],
    pending: ['gauge', 'Requests that have no answer yet.'],
    malformed: ['counter', 'Datagrams that were no CoAP message.'],
    duplicates: ['counter', 'Messages received once more; each was answered as the first time or ignored.'],
    rejected: ['counter', 'Messages answered with a Reset, pings among them.'],
    retransmissions: ['counter', 'Confirmable messages sent once more because no acknowledgement had come.'],
    undelivered: ['counter', 'Responses and notifications that were never acknowledged.'],
    refusedPeers: ['counter', 'Requests refused because there was no room to remember one more peer.'],
    unsafeRecords: ['gauge', 'Replies to POST, PUT and DELETE kept for duplicates.'],
    safeRecords: ['gauge', 'Replies to GET and FETCH kept for duplicates.'],
    safeRecordBytes: ['gauge', 'Memory of the replies to GET and FETCH kept for duplicates.'],
    assemblyBytes: ['gauge', 'Memory of request bodies that have not arrived in full or are not answered yet.'],
    keptBytes: ['gauge', 'Memory of responses that are being read block by block.'],
    observations: ['gauge', 'Observations that clients hold.'],
    timers: ['gauge', 'Timers that are set.'],
  },
  cache: {
    hits: ['counter', 'Results found in the cache.'],
    misses: ['counter', 'Results that were not in the cache and had to be computed.'],
    joined: ['counter', 'Calls that waited for the same call of somebody else.'],
    stale: ['counter', 'Old results served while new ones were computed.'],
    failedRefreshes: ['counter', 'Computations behind an old result that failed.'],
    revalidations: ['counter', 'Answers 2.03: the peer had the current result already.'],
    bytesSaved: ['counter', 'Payload bytes that answers 2.03 did not carry.'],
    entries: ['gauge', 'Results in the cache.'],
    bytes: ['gauge', 'Memory of the results in the cache, estimated.'],
  },
  transport: {
    received: ['counter', 'Datagrams received.'],
    sent: ['counter', 'Datagrams handed to the system.'],
    dropped: ['counter', 'Datagrams dropped because they came from port 0.'],
    sendFailed: ['counter', 'Datagrams that the system did not send.'],
    socketErrors: ['counter', 'Errors that the system reported of a socket.'],
  },
  dtls: {
    associations: ['gauge', 'DTLS associations.'],
    handshakes: ['gauge', 'DTLS handshakes under way.'],
    sessions: ['gauge', 'DTLS sessions remembered by ID.'],
    timers: ['gauge', 'Timers of DTLS handshakes.'],
    reassemblyBytes: ['gauge', 'Memory of DTLS handshake messages that have not arrived in full.'],
    droppedRecords: [
      'counter',
      'DTLS records that were not well-formed, not authentic, not new or not expected; without the ClientHellos of a flood that the system drops.',
    ],
    unsent: ['counter', 'Datagrams for associations that had ended, or too large for one.'],
    established: ['counter', 'DTLS handshakes that came to an association.'],
    failed: ['counter', 'DTLS handshakes that came to nothing.'],
    restored: ['counter', 'Associations of the process before this one that go on.'],
    ended: ['counter', 'Associations ended because their identity was revoked, rotated or had expired.'],
  },
  ongoing: {
    jobs: ['gauge', 'Jobs that run.'],
    streams: ['gauge', 'Streams that are open.'],
    watches: ['gauge', 'Results of pure functions that are observed.'],
  },
};

function samplesOf<Figure extends string>(
  part: string,
  known: Readonly<Record<Figure, Metric>>,
  figures: Readonly<Record<Figure, number>>,
): MetricSample[] {
  return Object.entries<Metric>(known).map(([figure, [kind, help]]) => {
    const words = figure.replace(/[A-Z]/g, '_$&').toLowerCase();
    return {
      name: `${part}_${words}${kind === 'gauge' ? '' : '_total'}`,
      help,
      kind,
      value: figures[figure as Figure],
    };
  });
}

export const gatewaySamples = ({ engine, cache, transport, dtls, ongoing }: GatewayCounters): MetricSample[] => [
  ...samplesOf('engine', metrics.engine, engine),
  ...samplesOf('cache', metrics.cache, cache),
  ...samplesOf('transport', metrics.transport, transport),
  ...(dtls === undefined ? [] : samplesOf('dtls', metrics.dtls, dtls)),
  ...samplesOf('ongoing', metrics.ongoing, ongoing),
];
