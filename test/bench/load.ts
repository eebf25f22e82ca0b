/** Runs a load generator once, on a processor of its own, and reads what it measured. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { InternalError } from '../../src/core/error.ts';
import type { Programs } from './build.ts';
import type { Call } from './calls.ts';
import { contestants } from './contestants.ts';
import { identities, preSharedWords } from './identities.ts';
import { loadCpu, type Server } from './servers.ts';

/** How hard, for how long, and with which of many requests. */
export interface Load {
  /** At any time; with a `rate` at most. */
  readonly inFlight: number;
  /** Peers, each with an address of its own in 127.0.0.0/8. */
  readonly endpoints: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Requests per second that arrive whatever the answers do; without it the next leaves when one is answered. */
  readonly rate?: number;
  /** `burst`: one request of each in flight, all at once. `fill`: each of the distinct ones once. */
  readonly once?: 'burst' | 'fill';
  /** Requests are drawn from so many; without it every counter is fresh. */
  readonly distinct?: number;
  /** But for so many of a hundred. */
  readonly freshPercent?: number;
  /** Asks for Block2 of this size and follows it (RFC 7959). */
  readonly blockSize?: number;
  /** Over coaps: handshakes are what is measured, with a pre-shared key or with certificates at both ends. */
  readonly handshakes?: 'psk' | 'certificates';
  /** The first fresh counter: no two measurements of a server share one. */
  readonly counterStart?: number;
}

/** One line of a generator (generator/report.c, http-generator/main.c). */
export interface Measurement {
  readonly elapsedSeconds: number;
  /** Requests, or whole transfers, with correct answers. */
  readonly requestsPerSecond: number;
  readonly answered: number;
  readonly correct: number;
  /** Answers that were not as they must be, and requests that got none, by what was wrong. */
  readonly faults: Readonly<Record<string, number>>;
  readonly latencyMicroseconds: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
  /** Processors that were busy with it: 1 is one. */
  readonly generatorCpu: number;
  readonly serverCpu: number;
  /** Answers by response code; over CoAP only, as all that follows. */
  readonly codes?: Readonly<Record<string, number>>;
  /** Without a retransmission. */
  readonly answeredFirst?: number;
  /** Answers that had more to come. */
  readonly blocks?: number;
  readonly retransmissions?: number;
  /** Of an open loop: due at the end and not answered. */
  readonly backlog?: number;
  readonly bytesOut?: number;
  readonly bytesIn?: number;
}

export const faultsOf = ({ faults }: Measurement): number =>
  Object.values(faults).reduce((sum, count) => sum + count, 0);

/** Retransmissions of a lost request take up to 2 + 4 + 8 + 16 s (RFC 7252 §4.2). */
const burstSeconds = 31;
const fillSeconds = 300;
/** Before the load over coaps, for the largest number of sessions. */
const handshakeSeconds = 300;

function coapArguments(server: Server, call: Call, etag: string | undefined, load: Load): string[] {
  const seconds = load.once === 'burst' ? burstSeconds : load.once === 'fill' ? fillSeconds : load.seconds;
  const values: Readonly<Record<string, string | number | undefined>> = {
    'server': `127.0.0.1:${server.port}`,
    'method': call.method,
    'path': call.path,
    'query': call.query,
    'content-format': call.payload === undefined ? undefined : 60,
    'payload': call.payload,
    'etag': call.revalidates === true ? etag : undefined,
    'expect-code': call.code,
    'expect-payload': call.answer,
    'expect-addition': call.addition,
    'endpoints': contestants[server.name].endpoints ?? load.endpoints,
    'in-flight': load.inFlight,
    'rate': load.rate,
    'distinct': load.distinct,
    'fresh': load.freshPercent,
    'block-size': load.blockSize,
    'counter-start': load.counterStart,
    'warm-up': load.warmUpSeconds,
    'seconds': seconds,
    'pid': server.pid,
  };
  const args = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  if (!call.confirmable) args.push('--non');
  if (load.once !== undefined) args.push(load.once === 'burst' ? '--once' : '--fill');
  return args;
}

/** Sessions are kept from one run to the next: a server shakes hands with each endpoint once. */
function securedArguments({ port }: Server, { handshakes }: Load, programs: Programs): string[] {
  if (handshakes !== 'certificates') {
    const kept =
      handshakes === undefined ? ['--sessions', join(programs.folder, `sessions-${port}`)] : ['--handshakes'];
    return ['--psk', preSharedWords, ...kept];
  }
  const { certificate, privateKey } = identities(programs).client;
  return ['--certificate', certificate, '--private-key', privateKey, '--handshakes'];
}

function httpArguments({ port, pid }: Server, { path, json }: Call, load: Load): string[] {
  if (json === undefined) throw new InternalError('bench-call', `${path} has no form for HTTP.`);
  const { inFlight, warmUpSeconds, seconds } = load;
  return [String(port), path, json.request, json.answer, ...[inFlight, warmUpSeconds, seconds, pid].map(String)];
}

/** `etag` is what the server gave with the answer to the call. */
export async function measure(
  programs: Programs,
  server: Server,
  call: Call,
  etag: string | undefined,
  load: Load,
): Promise<Measurement> {
  const { protocol, call: translate } = contestants[server.name];
  const args = {
    http: () => httpArguments(server, call, load),
    coap: () => coapArguments(server, translate(call), etag, load),
    coaps: () => [...coapArguments(server, translate(call), etag, load), ...securedArguments(server, load, programs)],
  }[protocol]();
  const program = { http: programs.httpGenerator, coap: programs.generator, coaps: programs.securedGenerator }[
    protocol
  ];
  if (program === undefined) throw new InternalError('bench-generator', `There is no load generator for ${protocol}.`);
  const child = spawn('taskset', ['-c', String(loadCpu), program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: (load.warmUpSeconds + load.seconds + (load.once === undefined ? handshakeSeconds : fillSeconds)) * 1000,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  if (child.exitCode !== 0) {
    throw new InternalError(
      'bench-generator',
      `The load generator for ${server.name} ended with ${child.exitCode ?? child.signalCode}.`,
    );
  }
  const measurement = JSON.parse(output) as Measurement;
  // Requests that still wait for an answer are no fault, unless none has come at all.
  if (measurement.answered > 0 || load.once !== undefined) return measurement;
  return { ...measurement, faults: { ...measurement.faults, unanswered: load.inFlight } };
}
