/** Where it was measured. */
import { availableParallelism, cpus, loadavg, release, type } from 'node:os';
import { readFileSync } from 'node:fs';
import { UsageError } from '../../src/core/error.ts';

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly system: string;
  readonly node: string;
  /** Of the receive buffer that a socket may ask for, in bytes. */
  readonly receiveBufferLimit: number;
  /** Processors that other work kept busy in the minute before. */
  readonly otherLoad: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    system: `${type()} ${release()}`,
    node: process.version,
    receiveBufferLimit: Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8')),
    otherLoad: loadavg()[0] ?? 0,
  };
}

/** The comparison pins server and load to a processor each, with Linux's means. */
export function requireSuitableMachine(): void {
  if (process.platform !== 'linux') {
    throw new UsageError(
      'bench-machine',
      'npm run bench needs Linux (recvmmsg, taskset, /proc). --micro runs anywhere.',
    );
  }
  if (availableParallelism() < 2) {
    throw new UsageError('bench-machine', 'npm run bench needs two processors: one for the server, one for the load.');
  }
}
