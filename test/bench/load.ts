/** Runs the load generator once, on a processor of its own, and reads what it measured. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { InternalError } from '../../src/core/error.ts';
import type { BenchOptions } from './options.ts';
import { answerOf, requestTo, type Scenario } from './scenarios.ts';
import { loadCpu, type Server } from './servers.ts';

/** One line of the generator (generator/report.c); everything but rates and times is a count. */
export interface Measurement {
  readonly elapsedSeconds: number;
  /** Correct answers. */
  readonly requestsPerSecond: number;
  readonly answered: number;
  readonly correct: number;
  /** Answers by response code. */
  readonly codes: Readonly<Record<string, number>>;
  readonly wrongCode: number;
  readonly wrongPayload: number;
  readonly wrongMessageId: number;
  readonly malformed: number;
  readonly resets: number;
  readonly late: number;
  readonly foreign: number;
  readonly sendErrors: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly emptyAcks: number;
  readonly separate: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
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
}

/** Answers that were not as they must be, and requests that got none. */
export const faultsOf = (m: Measurement): number =>
  m.answered - m.correct + m.malformed + m.resets + m.foreign + m.sendErrors + m.timeouts;

function argumentsOf(
  server: Server,
  scenario: Scenario,
  etag: string | undefined,
  counterStart: number,
  options: BenchOptions,
): string[] {
  const request = requestTo(server.name, scenario);
  const answer = answerOf(server.name, scenario);
  const args = [
    ['--server', `127.0.0.1:${server.port}`],
    ['--method', request.method],
    ['--path', request.path],
    ['--counter-start', String(counterStart)],
    ['--expect-code', answer.code],
    ['--endpoints', String(options.endpoints)],
    ['--in-flight', String(options.inFlight)],
    ['--warm-up', String(options.warmUpSeconds)],
    ['--seconds', String(options.seconds)],
    ['--pid', String(server.pid)],
  ];
  if (!request.confirmable) args.push(['--non']);
  if (request.query !== undefined) args.push(['--query', request.query]);
  if (request.payload !== undefined) args.push(['--content-format', '60', '--payload', request.payload]);
  if (request.revalidates === true && etag !== undefined) args.push(['--etag', etag]);
  if (answer.payload !== undefined) args.push(['--expect-payload', answer.payload]);
  if (answer.addition !== undefined) args.push(['--expect-addition', String(answer.addition)]);
  return args.flat();
}

export async function measure(
  generator: string,
  server: Server,
  scenario: Scenario,
  etag: string | undefined,
  counterStart: number,
  options: BenchOptions,
): Promise<Measurement> {
  const args = argumentsOf(server, scenario, etag, counterStart, options);
  const limitMs = (options.warmUpSeconds + options.seconds + 10) * 1000;
  const child = spawn('taskset', ['-c', String(loadCpu), generator, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: limitMs,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  if (child.exitCode !== 0) {
    throw new InternalError('bench-generator', `The load generator ended with ${child.exitCode ?? child.signalCode}.`);
  }
  return JSON.parse(output) as Measurement;
}
