/**
 * Every setting, its type, its default and its sentence, in one table: the loader, `funcoap config`,
 * the names of environment variables and the test of docs/config.md all read it from here. The file is longer than others
 * because the table is one.
 */
import { z } from 'zod';
import { milliseconds } from '../core/duration.ts';
import { cipherSuites, defaultCipherSuites } from '../dtls/cipher-suites.ts';
import type { Config } from './config.ts';
import {
  address,
  addressBlock,
  addresses,
  addressesOrNone,
  choice,
  choices,
  computedSetting,
  duration,
  folder,
  functionGlobs,
  glob,
  groups,
  hostNames,
  integer,
  integerOrAuto,
  name,
  numberChoice,
  objects,
  real,
  resourceGlobs,
  setting,
  settingMeta,
  size,
  yesNo,
  type SettingMeta,
} from './setting.ts';
import { bytes, mebibytes } from './units.ts';

const blockSizes = [16, 32, 64, 128, 256, 512, 1024];
/** More processors than any machine that this was tried on. */
const maxProcesses = 256;
const never = milliseconds(0);
const instantly = milliseconds(1);

const linkOverrides = z.strictObject({
  ackTimeout: duration(instantly).optional(),
  ackRandomFactor: real(1).optional(),
  maxRetransmit: integer(0, 20).optional(),
  nstart: integer(1).optional(),
  piggybackWindow: duration(never).optional(),
  blockSize: numberChoice(blockSizes).optional(),
  maxBody: size(bytes(0)).optional(),
});

const overrides = z.strictObject({
  match: addressBlock(),
  name: name().optional(),
  ...linkOverrides.shape,
});

const rule = z.strictObject({
  identity: glob().optional(),
  group: glob().optional(),
  functions: functionGlobs().optional(),
  resources: resourceGlobs().optional(),
  rate: z.strictObject({ perSecond: real(0), burst: integer(1) }).optional(),
  profile: linkOverrides.optional(),
});

const schema = z.strictObject({
  coap: z.strictObject({
    listen: setting(
      addresses(),
      ['127.0.0.1', '::1'],
      'Addresses on which plain CoAP listens. The default is loopback only: who can reach them can call every function.',
    ),
    port: setting(integer(0, 65535), 5683, 'UDP port; 0 lets the system choose one.'),
    multicast: setting(
      groups(),
      ['224.0.1.187', 'ff02::fd', 'ff05::fd'],
      'Multicast groups to join (RFC 7252 §8) on interfaces where plain CoAP listens beyond loopback; empty for none.',
    ),
    leisure: setting(
      duration(never),
      '5s',
      'DEFAULT_LEISURE (RFC 7252 §8.2): answers to multicast requests are spread over this time.',
    ),
    transport: setting(
      choice(['auto', 'native', 'dgram']),
      'auto',
      'How datagrams are moved: `native` in batches, on Linux and compiled by `cc`; `dgram` by Node, everywhere, at about half the rate; `auto` is `native` where it can be had.',
    ),
    receiveBuffer: setting(
      size(bytes(2048)),
      '4MiB',
      'Receive buffer of each socket. The system may grant less; the start of the gateway says so.',
    ),
  }),
  coaps: z.strictObject({
    listen: setting(
      addressesOrNone(),
      ['0.0.0.0', '::'],
      'Addresses on which coaps (CoAP over DTLS) listens, once there is an identity or a certificate of the gateway; empty for none. Who comes in there has proved who it is.',
    ),
    port: setting(integer(0, 65535), 5684, 'UDP port of coaps; 0 lets the system choose one.'),
    cipherSuites: setting(
      choices(cipherSuites.map(({ name }) => name)),
      defaultCipherSuites.map(({ name }) => name),
      'Cipher suites of DTLS that are spoken, the preferred one first. The default is all but CBC.',
    ),
    sessions: setting(
      integer(1),
      131_072,
      'DTLS sessions at a time, about 10 kB each, and 660 bytes on disk; beyond that the one that was quiet for longest makes room.',
    ),
    sessionsPerIdentity: setting(
      integer(1),
      1024,
      'DTLS sessions of one credential at a time; beyond that its own oldest one ends. Raise it where many devices share a key.',
    ),
    handshakeRate: setting(
      integer(1),
      100,
      'DTLS handshakes begun in a second; more wait for their turn. It bounds what strangers can cost those who are connected.',
    ),
  }),
  http: z.strictObject({
    listen: setting(
      addressesOrNone(),
      ['127.0.0.1', '::1'],
      'Addresses on which plain HTTP listens; empty for none. Only on loopback does it take callers without an identity.',
    ),
    port: setting(integer(0, 65535), 3419, 'TCP port of HTTP; 0 lets the system choose one.'),
    hosts: setting(
      hostNames(),
      [],
      'Names under which the gateway may be asked over HTTP, besides localhost and IP addresses. Another Host is refused, because a page on the web can lead any name here.',
    ),
    proxies: setting(
      addressesOrNone(),
      [],
      'Addresses of reverse proxies that are believed what they say of clients (X-Forwarded-For). Where there is one, every caller needs an identity.',
    ),
    connections: setting(
      integer(1),
      1000,
      'Connections of HTTP at a time, for each address that is listened on; more are closed at once.',
    ),
    connectionsPerPeer: setting(
      integer(1),
      250,
      'The same of each address that connects, an IPv6 network (/64) being one; also of a reverse proxy, whose clients share what it may have.',
    ),
  }),
  https: z.strictObject({
    listen: setting(
      addressesOrNone(),
      [],
      'Addresses on which HTTPS listens, with the certificate of `funcoap ca init`; empty for none.',
    ),
    port: setting(integer(0, 65535), 3420, 'TCP port of HTTPS; 0 lets the system choose one.'),
  }),
  processes: setting(
    integerOrAuto(1, maxProcesses),
    1,
    'Gateway processes that share each address and port, on Linux; `auto` is one per processor. Limits, rates and caches count in each of them (docs/operating.md).',
  ),
  profile: z.strictObject({
    name: setting(name(), 'default', 'Name of the profile of peers that match none of `profiles`, in logs.'),
    ackTimeout: setting(duration(instantly), '2s', 'ACK_TIMEOUT (RFC 7252 §4.8).'),
    ackRandomFactor: setting(real(1), 1.5, 'ACK_RANDOM_FACTOR (RFC 7252 §4.8).'),
    maxRetransmit: setting(integer(0, 20), 4, 'MAX_RETRANSMIT (RFC 7252 §4.8).'),
    nstart: setting(
      integer(1),
      1,
      'NSTART (RFC 7252 §4.7): confirmable messages of the gateway outstanding towards one peer.',
    ),
    piggybackWindow: setting(
      duration(never),
      '1.5s',
      'An answer that is ready within this time travels in the acknowledgement; a later one in a message of its own.',
    ),
    blockSize: setting(numberChoice(blockSizes), 256, 'Block size (RFC 7959) for a peer that stated none.'),
  }),
  profiles: setting(
    objects(overrides, 'a list of link profiles, each an object with a match'),
    [],
    'Settings of `profile` for peers by address: a list of objects with `match` and whatever differs (`name`, `ackTimeout`, …, `maxBody`). The longest matching prefix wins.',
  ),
  limits: z.strictObject({
    requestBody: setting(size(bytes(0)), '1MiB', 'The longest request body; a longer one is 4.13.'),
    peers: setting(
      integer(1),
      131072,
      'Peers that are remembered at a time, about 1.2 KB each. Keep it above twice `limits.dedupUnsafe`: a peer with such a reply is never forgotten.',
    ),
    dedupSafe: setting(
      size(bytes(0)),
      '32MiB',
      'Memory for replies to GET and FETCH that are kept for duplicates; the oldest go first.',
    ),
    dedupUnsafe: setting(
      integer(1),
      60000,
      'Replies to POST, PUT and DELETE that are kept for duplicates. They are never dropped early: when it is full, such requests get 5.03.',
    ),
    repeatedRequests: setting(
      integer(0),
      16384,
      'Requests that are remembered because they came more than once, with what follows from their words: about 2 KB each, 6 KB at most. One that is not remembered costs more to answer.',
    ),
    transfers: setting(integer(1), 10000, 'Block-wise transfers in progress, in each direction.'),
    transferBytes: setting(
      size(bytes(1024)),
      '64MiB',
      'Memory for block-wise transfers in progress, in each direction.',
    ),
    observers: setting(integer(0), 10000, 'Observations (RFC 7641) at a time.'),
    observersPerPeer: setting(integer(0), 64, 'Observations of one peer.'),
    tokenLength: setting(size(bytes(8), bytes(65804)), 64, 'The longest token accepted (RFC 8974).'),
    pending: setting(integer(1), 10000, 'Requests accepted and not answered yet.'),
  }),
  rate: z.strictObject({
    perSecond: setting(real(0), 100, 'Requests per second from one peer; more are 4.29. 0 is no limit.'),
    burst: setting(integer(1), 200, 'Requests that one peer may send at once before its rate counts.'),
    loopback: setting(yesNo(), false, 'Whether the rate holds for peers on loopback too.'),
  }),
  access: setting(
    objects(rule, 'a list of access rules, each an object with identity or group and what they may do'),
    [{ functions: ['*'], resources: ['*'] }],
    'Who may call what, see below. The default lets everybody who can reach the gateway call every function.',
  ),
  data: z.strictObject({
    folder: computedSetting(
      folder(),
      '`data` beside the configuration file, or in the working folder',
      'Folder of what the gateway keeps: identities, keys, certificates, jobs. Made at its start, for its owner alone; one gateway at a time uses it.',
    ),
  }),
  libraries: z.strictObject({
    folder: computedSetting(
      folder(),
      '`./libraries` if it exists, else the shipped one',
      'Folder of libraries, each a folder with an `index.ts`. They are loaded again when they change.',
    ),
  }),
  workers: z.strictObject({
    threads: computedSetting(
      integer(1, 1024),
      'one per processor divided by `processes`, at least 2',
      'Threads that run the functions of one library.',
    ),
    total: computedSetting(
      integer(1, 4096),
      '4 per processor divided by `processes`, at least 8',
      'Threads of all libraries together; the first of each always starts.',
    ),
    memory: setting(
      size(mebibytes(8)),
      '128MiB',
      'JavaScript heap of one thread; a function that needs more is stopped.',
    ),
    timeLimit: setting(
      duration(instantly),
      '10s',
      'A function that runs longer is stopped and answered 5.04, unless it declares its own limit.',
    ),
    queue: setting(integer(0), 1000, 'Calls of one library that wait for a thread; more are 5.03.'),
  }),
  jobs: z.strictObject({
    total: setting(
      integer(0),
      10000,
      'Jobs at a time, those whose results are kept among them; more are 5.03. 0: none are taken.',
    ),
    perIdentity: setting(integer(1), 1000, 'The same of one identity; more are 4.29.'),
    perPeer: setting(
      integer(1),
      100,
      'The same of one address of callers without an identity, beyond this machine, with as large a part of `jobs.bytes` as this is of `jobs.perIdentity`; more are 4.29. An IPv6 network (/64) counts as one.',
    ),
    bytes: setting(size(bytes(0)), '64MiB', 'Room on disk for the arguments and results of jobs.'),
    running: computedSetting(
      integer(1, 1024),
      'one per two processors, divided by `processes`, at least 1',
      'Jobs that run at a time, in each process. Each may take a thread of its library for as long as `jobs.timeLimit`.',
    ),
    timeLimit: setting(
      duration(instantly),
      '10m',
      'A job that runs longer is stopped, unless its function declares a limit of its own.',
    ),
    retention: setting(duration(instantly), '1h', 'How long the result of a job is kept.'),
  }),
  objects: z.strictObject({
    total: setting(
      integer(0),
      10000,
      'Objects of classes at a time, in each process; more are 5.03. 0: none are made.',
    ),
    perIdentity: setting(integer(1), 1000, 'The same of one identity; more are 4.29.'),
    perPeer: setting(
      integer(1),
      100,
      'The same of one address of callers without an identity, beyond this machine; more are 4.29. An IPv6 network (/64) counts as one. All of them together are one identity, `local`.',
    ),
    lease: setting(duration(instantly), '10m', 'An object that is not used for this long is let go of.'),
  }),
  cache: z.strictObject({
    entries: setting(integer(0), 10000, 'Results in the cache.'),
    bytes: setting(size(bytes(0)), '64MiB', 'Memory for results in the cache.'),
  }),
  streams: z.strictObject({
    total: setting(integer(0), 1000, 'Streams that are open at a time; more are 5.03.'),
    perPeer: setting(integer(0), 16, 'Streams of one peer.'),
    lifetime: setting(
      duration(instantly),
      '60s',
      'How long a stream whose consumer is gone waits for it to come back; then its generator is closed.',
    ),
    itemLimit: setting(
      duration(instantly),
      '1h',
      'How long an item of a stream may be waited for; then the stream ends with 5.04.',
    ),
  }),
  mdns: z.strictObject({
    enabled: setting(
      yesNo(),
      true,
      'Announce by multicast DNS (DNS-SD) what listens beyond loopback, so that `funcoap discover` finds it.',
    ),
    name: computedSetting(
      name(),
      '`funcoap on` and the name of the host',
      'What the gateway is called there; a number is added where another one has the name.',
    ),
  }),
  metrics: z.strictObject({
    enabled: setting(yesNo(), false, 'Serve Prometheus metrics at `/metrics` and the state at `/healthz`.'),
    listen: setting(address(), '127.0.0.1', 'Address of the metrics server.'),
    port: setting(integer(0, 65535), 9464, 'TCP port of the metrics server; 0 lets the system choose one.'),
  }),
  log: z.strictObject({
    level: setting(
      choice(['silent', 'error', 'warn', 'info', 'debug', 'trace']),
      'info',
      'The least important lines that are written; `debug` shows every message with its bytes.',
    ),
    access: setting(yesNo(), true, 'One line per request.'),
    format: setting(
      choice(['auto', 'json', 'pretty']),
      'auto',
      '`auto` is `pretty` on a terminal and `json` elsewhere.',
    ),
  }),
  debug: z.strictObject({
    internals: setting(
      yesNo(),
      false,
      'Send stacks and paths of failed functions to peers. Never where strangers can call.',
    ),
  }),
  shutdown: z.strictObject({
    grace: setting(
      duration(never),
      '5s',
      'How long calls in flight may take to finish when the gateway is told to stop.',
    ),
  }),
});

/** One setting that can be given in the file, the environment and on the command line. */
export interface Setting extends SettingMeta {
  /** `coap.receiveBuffer` */
  readonly path: string;
  /** `FUNCOAP_COAP_RECEIVE_BUFFER` */
  readonly variable: string;
  readonly doc: string;
}

const variableOf = (path: string): string =>
  `FUNCOAP_${path.replaceAll('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()}`;

function collect(type: z.ZodObject, above: string): Setting[] {
  return Object.entries(type.shape).flatMap(([key, child]) => {
    const path = above + key;
    if (child instanceof z.ZodObject) return collect(child, `${path}.`);
    const meta = child instanceof z.ZodType ? settingMeta.get(child) : undefined;
    return meta?.doc === undefined ? [] : [{ ...meta, doc: meta.doc, path, variable: variableOf(path) }];
  });
}

/** All settings in the order of the documentation. */
export const settings: readonly Setting[] = collect(schema, '');

/** The type at a path of a document, with its array indices; undefined where the schema has nothing. */
function typeAt(path: readonly PropertyKey[]): unknown {
  let type: unknown = schema;
  for (const key of path) {
    if (type instanceof z.ZodOptional) type = type.unwrap();
    if (type instanceof z.ZodObject) type = type.shape[String(key)];
    else if (type instanceof z.ZodArray) type = type.element;
    else return undefined;
  }
  return type instanceof z.ZodOptional ? type.unwrap() : type;
}

/** The names that an object at this path may have; empty where no object belongs there. */
export function namesAt(path: readonly PropertyKey[]): readonly string[] {
  const type = typeAt(path);
  return type instanceof z.ZodObject ? Object.keys(type.shape) : [];
}

/** Completes "must be …" for whatever is at this path. */
export function allowedAt(path: readonly PropertyKey[]): string {
  // An item of a list of plain values has no sentence of its own: the list's is the better one.
  for (let length = path.length; length > 0; length--) {
    const type = typeAt(path.slice(0, length));
    if (type instanceof z.ZodObject) return `an object with ${Object.keys(type.shape).join(', ')}`;
    const allowed = type instanceof z.ZodType ? settingMeta.get(type)?.allowed : undefined;
    if (allowed !== undefined) return allowed;
  }
  return 'an object with settings';
}

/** What is wrong at one place of a document. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  /** Names that do not belong there; empty where a value is wrong. */
  readonly unknownNames: readonly string[];
}

export type SchemaResult =
  | { readonly config: Config; readonly issues?: undefined }
  | { readonly config?: undefined; readonly issues: readonly SchemaIssue[] };

/** Checks a complete document and gives each value its type. Paths of folders are left as written. */
export function parseDocument(document: unknown): SchemaResult {
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    return {
      issues: parsed.error.issues.map((issue) => ({
        path: issue.path,
        unknownNames: issue.code === 'unrecognized_keys' ? issue.keys : [],
      })),
    };
  }
  const { profile, profiles, access, ...rest } = parsed.data;
  const fallback = { ...profile, maxBody: rest.limits.requestBody };
  return {
    config: {
      ...rest,
      profile: fallback,
      profiles: profiles.map((own) => ({
        match: own.match,
        name: own.name ?? own.match,
        ackTimeout: own.ackTimeout ?? fallback.ackTimeout,
        ackRandomFactor: own.ackRandomFactor ?? fallback.ackRandomFactor,
        maxRetransmit: own.maxRetransmit ?? fallback.maxRetransmit,
        nstart: own.nstart ?? fallback.nstart,
        piggybackWindow: own.piggybackWindow ?? fallback.piggybackWindow,
        blockSize: own.blockSize ?? fallback.blockSize,
        maxBody: own.maxBody ?? fallback.maxBody,
      })),
      access: access.map((own) => ({
        identity: own.identity,
        group: own.group,
        functions: own.functions ?? [],
        resources: own.resources ?? [],
        rate: own.rate,
        profile: own.profile ?? {},
      })),
    },
  };
}
