/** A folder of libraries made for one test, a registry on it, and calls. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { Call, CallResult } from '../../src/functions/call.ts';
import { Registry } from '../../src/functions/registry.ts';
import type { RegistryOptions } from '../../src/functions/registry-options.ts';
import { defaultWorkerPoolOptions, type WorkerPoolOptions } from '../../src/functions/worker-pool-options.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';

export interface LibraryFolder {
  readonly path: string;
  readonly registry: Registry;
  write(file: string, text: string): void;
  remove(file: string): void;
  /** As the gateway calls: waits for a reload that is under way, finds, invokes. */
  call(library: string, method: string, args?: readonly Value[], more?: Partial<Call>): Promise<CallResult>;
  value(library: string, method: string, ...args: readonly Value[]): Promise<Value>;
  /** The stable name of the problem that a call ends with. */
  problem(library: string, method: string, args?: readonly Value[], more?: Partial<Call>): Promise<string>;
}

export async function libraryFolder(
  files: Readonly<Record<string, string>>,
  options: Partial<RegistryOptions> = {},
  pool: Partial<WorkerPoolOptions> = {},
  /** Takes what is to be done at the end: of the test, unless several share the folder. */
  atEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<LibraryFolder> {
  const path = mkdtempSync(join(tmpdir(), 'funcoap-libraries-'));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  // Tests write and call in the same turn of the event loop, where no watch can have told yet.
  const probeInterval = milliseconds(0);
  const registry = await Registry.open({
    folder: path,
    probeInterval,
    // What a test wrote is what it calls, however busy the machine is.
    reloadWait: seconds(60),
    copyPatience: milliseconds(0),
    scheduler: systemScheduler,
    pool: { ...defaultWorkerPoolOptions, ...pool },
    ...options,
  });
  atEnd(async () => {
    await registry.close();
    rmSync(path, { recursive: true, force: true });
  });
  const call: LibraryFolder['call'] = async (library, method, args = [], more = {}) => {
    await registry.pending(library);
    return registry.invoke({
      function: registry.find(library, method),
      args,
      caller: { identity: 'local', peer: '127.0.0.1:49152' },
      correlationId: 'c-1',
      deadline: (performance.now() + 20_000) as Instant,
      ...more,
    });
  };
  return {
    path,
    registry,
    write,
    remove: (file) => rmSync(join(path, file), { recursive: true }),
    call,
    value: async (library, method, ...args) => (await call(library, method, args)).value,
    problem: (library, method, args, more) => call(library, method, args, more).then(() => 'no problem', problemOf),
  };
}

export const problemOf = (error: unknown): string => {
  if (error instanceof CallError) return error.code;
  throw error;
};
