import { milliseconds, type Milliseconds } from '../../src/core/duration.ts';

/** What it takes of a processor on this thread, on however busy a machine: for what hostile input may cost at most. */
export function processorTime(run: () => void): Milliseconds {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return milliseconds((user + system) / 1000);
}
