/** The effective configuration: complete, validated and frozen. What each setting means is in docs/config.md. */
import type { Milliseconds } from '../core/duration.ts';
import type { LinkOverrides, LinkProfile, MatchedProfile } from './link-profile.ts';
import type { Bytes } from './units.ts';

export interface CoapConfig {
  /** IP addresses, IPv6 with its zone where link-local. */
  readonly listen: readonly string[];
  /** 0: the system chooses one. */
  readonly port: number;
  /** Groups joined on interfaces where plain CoAP listens beyond loopback. */
  readonly multicast: readonly string[];
  /** RFC 7252 §8.2: an answer to a multicast request waits for a random part of this. */
  readonly leisure: Milliseconds;
  /** `auto` is `native` where it can be had. */
  readonly transport: 'auto' | 'native' | 'dgram';
  readonly receiveBuffer: Bytes;
}

export interface CoapsConfig {
  /** Empty: coaps is closed. */
  readonly listen: readonly string[];
  /** 0: the system chooses one. */
  readonly port: number;
  /** By the names of their RFCs, the preferred one first. */
  readonly cipherSuites: readonly string[];
  /** Sessions at a time: the quietest makes room. */
  readonly sessions: number;
  /** Of one identity. */
  readonly sessionsPerIdentity: number;
  /** Handshakes a second of peers that have shown that they receive at their address. */
  readonly handshakeRate: number;
}

export interface HttpConfig {
  /** Empty: plain HTTP is closed. */
  readonly listen: readonly string[];
  /** 0: the system chooses one. */
  readonly port: number;
  /** Besides localhost and addresses. */
  readonly hosts: readonly string[];
  /** Reverse proxies that are believed what they say of clients. */
  readonly proxies: readonly string[];
  /** At a time, for each address. */
  readonly connections: number;
  /** Of each address that connects. */
  readonly connectionsPerPeer: number;
}

export interface HttpsConfig {
  /** Empty: HTTPS is closed. */
  readonly listen: readonly string[];
  /** 0: the system chooses one. */
  readonly port: number;
}

export interface LimitsConfig {
  readonly requestBody: Bytes;
  /** Peers whose state (verified address, block size, rate) is remembered. */
  readonly peers: number;
  /** Replies to GET and FETCH kept for deduplication: the oldest go first. */
  readonly dedupSafe: Bytes;
  /** Requests remembered because they came more than once: one that is not costs more to answer. */
  readonly repeatedRequests: number;
  /** Replies to requests with side effects kept for deduplication: never dropped early. */
  readonly dedupUnsafe: number;
  readonly transfers: number;
  readonly transferBytes: Bytes;
  readonly observers: number;
  readonly observersPerPeer: number;
  /** The longest token accepted (RFC 8974). */
  readonly tokenLength: Bytes;
  /** Requests accepted and not answered yet, from all peers. */
  readonly pending: number;
}

export interface RateConfig {
  /** Requests per second and peer; 0 is no limit. */
  readonly perSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** The limit applies to peers on loopback too. */
  readonly loopback: boolean;
}

/** What is left out is undefined, or an empty list. */
export interface AccessRuleConfig {
  /** A glob over names of identities. */
  readonly identity: string | undefined;
  /** A glob over groups. */
  readonly group: string | undefined;
  /** Globs over `library/method`. */
  readonly functions: readonly string[];
  /** Globs over first segments of paths. */
  readonly resources: readonly string[];
  readonly rate: Pick<RateConfig, 'perSecond' | 'burst'> | undefined;
  /** What differs from the profile of the caller's address. */
  readonly profile: LinkOverrides;
}

export interface DataConfig {
  /** Absolute path. */
  readonly folder: string;
}

export interface LibrariesConfig {
  /** Absolute path. */
  readonly folder: string;
}

export interface WorkersConfig {
  /** Of one library. */
  readonly threads: number;
  /** Of all libraries together; the first of each always starts. */
  readonly total: number;
  /** JavaScript heap of one thread. */
  readonly memory: Bytes;
  readonly timeLimit: Milliseconds;
  /** Calls of one library that may wait for a thread. */
  readonly queue: number;
}

export interface JobsConfig {
  /** Those whose results are kept among them. */
  readonly total: number;
  readonly perIdentity: number;
  /** Of an address of callers without an identity. */
  readonly perPeer: number;
  /** Of arguments and results. */
  readonly bytes: Bytes;
  /** At a time, in each process. */
  readonly running: number;
  /** Of functions that declare none. */
  readonly timeLimit: Milliseconds;
  /** How long results are kept. */
  readonly retention: Milliseconds;
}

export interface ObjectsConfig {
  readonly total: number;
  readonly perIdentity: number;
  /** Of an address of callers without an identity. */
  readonly perPeer: number;
  /** Since it was used last. */
  readonly lease: Milliseconds;
}

export interface CacheConfig {
  readonly entries: number;
  readonly bytes: Bytes;
}

/** Functions that give items one after the other. */
export interface StreamsConfig {
  /** Open at a time. */
  readonly total: number;
  readonly perPeer: number;
  /** Without a consumer. */
  readonly lifetime: Milliseconds;
  /** Until the next item. */
  readonly itemLimit: Milliseconds;
}

/** What is said of the gateway on its links by multicast DNS. */
export interface MdnsConfig {
  readonly enabled: boolean;
  /** What people read in a list of gateways. */
  readonly name: string;
}

export interface MetricsConfig {
  readonly enabled: boolean;
  readonly listen: string;
  readonly port: number;
}

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LogConfig {
  readonly level: LogLevel;
  /** One line per request. */
  readonly access: boolean;
  /** `auto` is `pretty` on a terminal and `json` elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

export interface DebugConfig {
  /** Stacks and paths of failed functions are sent to peers. */
  readonly internals: boolean;
}

export interface Config {
  readonly coap: CoapConfig;
  readonly coaps: CoapsConfig;
  readonly http: HttpConfig;
  readonly https: HttpsConfig;
  /** `auto` is one per processor where several can share a port: `processCount`. */
  readonly processes: number | 'auto';
  /** For peers that match none of `profiles`. */
  readonly profile: LinkProfile;
  readonly profiles: readonly MatchedProfile[];
  readonly limits: LimitsConfig;
  readonly rate: RateConfig;
  readonly access: readonly AccessRuleConfig[];
  readonly data: DataConfig;
  readonly libraries: LibrariesConfig;
  readonly workers: WorkersConfig;
  readonly jobs: JobsConfig;
  readonly objects: ObjectsConfig;
  readonly cache: CacheConfig;
  readonly streams: StreamsConfig;
  readonly mdns: MdnsConfig;
  readonly metrics: MetricsConfig;
  readonly log: LogConfig;
  readonly debug: DebugConfig;
  /** How long calls in flight may take to finish when the gateway is told to stop. */
  readonly shutdown: { readonly grace: Milliseconds };
}
