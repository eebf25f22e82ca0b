/** Streams of a folder of libraries, for tests: opened, read to their end, and what they noted while they ran. */
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { seconds, type Instant } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import type { OpenedStream } from '../../src/functions/opened-stream.ts';
import { problemOf, type LibraryFolder } from './library-folder.ts';

export function open(
  { registry }: LibraryFolder,
  library: string,
  method: string,
  ...args: readonly Value[]
): Promise<OpenedStream> {
  const call = {
    function: registry.find(library, method),
    args,
    caller: { identity: 'local', peer: '127.0.0.1:49152' },
    correlationId: 'c-1',
    deadline: (performance.now() + 20_000) as Instant,
  };
  return registry.open(call, seconds(3600));
}

export async function all(stream: OpenedStream, skip = 0): Promise<readonly Value[]> {
  const items: Value[] = [];
  for (let item = await stream.next(skip); item !== undefined; item = await stream.next(0)) items.push(item.value);
  stream.close();
  return items;
}

export const problem = (run: () => Promise<unknown>): Promise<string> => run().then(() => 'none', problemOf);

export const notes = async (library: LibraryFolder, name: string, until: string): Promise<void> => {
  await expect.poll(() => readFile(`${library.path}/${name}/data/notes`, 'utf8')).toContain(until);
};

/** Streams of each kind. */
export const streamSource = `
  import { appendFileSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  import { context, fn, z } from 'funcoap/library';
  const note = (text: string) => appendFileSync(new URL('./data/notes', import.meta.url), text + '\\n');
  /** Counts. @safe */
  export function* count(to = 3): Generator<number> { for (let i = 0; i < to; i++) yield i; }
  /** @safe */
  export async function* slow(to = 3): AsyncGenerator<number> { for (let i = 0; i < to; i++) { await setTimeout(1); yield i; } }
  /** @safe */
  export function later(): AsyncIterable<string> { return slow(2) as never; }
  /** @safe */
  export async function promised(): Promise<AsyncIterable<number>> { return slow(2); }
  /** @safe */
  export function* fails() { yield 1; throw new RangeError('no more'); }
  /** @safe */
  export function* spins() { yield 1; for (;;); }
  /** @safe */
  export async function* never() { try { await new Promise(() => {}); yield 1; } finally { note('never'); } }
  /** @safe */
  export async function* told() {
    const { signal, deadline } = context();
    signal.addEventListener('abort', () => note('told'));
    yield deadline;
    await setTimeout(1);
    yield context().identity;
  }
  /** @safe */
  export function* tidies() { note('began'); try { for (let i = 0; ; i++) yield i; } finally { note('ended'); } }
  export const checked = fn({ params: { to: z.number() }, returns: z.number().int(), safe: true }, function* ({ to }) { yield 1; yield to; });
  /** @safe */
  export function* odd() { yield undefined; yield new Map([['a', 1]]); yield { b: 1, a: [2n ** 70n] }; }
  export function* effects() { yield 1; }
  /** @pure */
  export function* cached() { yield 1; }
  /** @safe @inline */
  export function* within() { yield 1; }
  export const unsafe = fn({}, function* () { yield 1; });
  /** @safe */
  export function list(): Iterable<number> { return [1, 2].values(); }
`;
