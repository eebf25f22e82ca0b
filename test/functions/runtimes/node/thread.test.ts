/** What a thread that loads says of itself: whether it is slow, or the machine is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { milliseconds, type Milliseconds } from '../../../../src/core/duration.ts';
import { startThread } from '../../../../src/functions/runtimes/node/thread.ts';

/** More than starting a thread takes of a processor, twice. */
const span = milliseconds(400);
const tells = 'cpuUsage' in Worker.prototype;

/** Begins to load it. @returns what its thread says of so much of its life */
function loading(source: string): (during: Milliseconds) => boolean | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-thread-'));
  const entry = join(folder, 'index.js');
  writeFileSync(entry, source);
  const port = startThread(
    {
      library: 'lib',
      folder,
      entry,
      dataFolder: join(folder, 'data'),
      maxHeapMebibytes: 64,
      priorityAddon: undefined,
      printed: () => undefined,
    },
    { describe: false, slots: 1 },
    { received: () => undefined, lost: () => undefined },
  );
  onTestFinished(async () => {
    await port.terminate();
    rmSync(folder, { recursive: true });
  });
  return (during) => {
    port.checkMemory();
    return port.starvedIn?.(during);
  };
}

test.skipIf(!tells)(
  `a thread that got no processor is starved; one that computes, or waits by itself, is not${tells ? '' : ' (skipped: Node tells since 24.6)'}`,
  async () => {
    const held = loading('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);');
    const computes = loading('for (;;);');
    const waits = loading('await new Promise((resolve) => setTimeout(resolve, 60_000));');
    expect([held(span), computes(span), waits(span)]).toEqual([true, true, true]);
    await vi.waitUntil(() => !computes(span) && !waits(span), { timeout: 30_000, interval: 10 });
    expect(held(span)).toBe(true);
  },
);
