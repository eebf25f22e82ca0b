/** When a folder is looked at again although nobody has saved a file: a clock that stands still, and loading that the test decides. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { milliseconds, seconds, type Milliseconds } from '../../src/core/duration.ts';
import { UsageError } from '../../src/core/error.ts';
import { SlowLoad } from '../../src/functions/library-version.ts';
import { defaultRegistryOptions } from '../../src/functions/registry-options.ts';
import { ServedLibrary } from '../../src/functions/served-library.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { libraryFolder } from './library-folder.ts';

const [firstRetry, patience] = [seconds(5), seconds(3)];
const mistake = new UsageError('library-load', 'index.js:1: no; mend it and save the file.');

/** Whose long timers fire a millisecond early, as a system's may. */
class EarlyClock extends ManualScheduler {
  override after(span: Milliseconds, fire: () => void): () => void {
    return super.after(span > 1000 ? milliseconds(span - 1) : span, fire);
  }
}

class Folder {
  readonly clock: ManualScheduler;
  readonly library: ServedLibrary;
  /** What each attempt to load ends with. */
  readonly #path: string;
  loads = 0;
  failures = 0;
  failure: UsageError = mistake;

  constructor(files: readonly string[], clock = new ManualScheduler()) {
    this.clock = clock;
    const folder = mkdtempSync(join(tmpdir(), 'funcoap-served-'));
    this.#path = join(folder, 'lib');
    mkdirSync(this.#path);
    for (const file of files) this.write(file, '');
    this.library = new ServedLibrary({
      name: 'lib',
      options: {
        ...defaultRegistryOptions,
        folder,
        scheduler: this.clock,
        // The watch of the folder is enough, and it is told of nothing that is only read.
        probeInterval: seconds(3600),
        settleTime: milliseconds(0),
        retryDelay: firstRetry,
        copyPatience: patience,
      },
      load: () => {
        this.loads++;
        return Promise.reject(this.failure);
      },
      changed: () => this.failures++,
    });
    onTestFinished(() => {
      this.library.close();
      rmSync(folder, { recursive: true });
    });
    this.library.touch();
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.#path, file), text);
  }

  /** Nothing is under way any more. */
  async rest(): Promise<void> {
    await vi.waitUntil(() => this.library.pending() === undefined, { timeout: 20_000, interval: 1 });
  }

  /** Whether it looks again just when so much time has passed. */
  async looksAfter(span: Milliseconds): Promise<boolean> {
    await this.rest();
    this.clock.advance(milliseconds(span - 1));
    const early = this.library.pending() !== undefined;
    this.clock.advance(milliseconds(1));
    return !early && this.library.pending() !== undefined;
  }
}

it('what took too long to load is tried again, later each time, and a saved file begins anew', async () => {
  const folder = new Folder(['index.js']);
  folder.failure = new SlowLoad(mistake);
  for (const pause of [5, 10, 20, 40, 80, 160, 160]) expect(await folder.looksAfter(seconds(pause))).toBe(true);
  await folder.rest();
  expect([folder.loads, folder.failures]).toEqual([8, 1]);
  expect(folder.library.error).toBe('index.js:1: no; mend it and save the file.');
  folder.write('index.js', '// saved');
  await vi.waitUntil(() => folder.loads === 9, { timeout: 20_000, interval: 1 });
  expect(await folder.looksAfter(firstRetry)).toBe(true);
  await folder.rest();
  expect(folder.loads).toBe(10);
});

it('a timer that fires early neither brings an attempt forward nor loses it', async () => {
  const folder = new Folder(['index.js'], new EarlyClock());
  folder.failure = new SlowLoad(mistake);
  await folder.rest();
  folder.clock.advance(milliseconds(firstRetry - 1));
  expect(folder.library.pending()).not.toBeUndefined();
  await folder.rest();
  expect(folder.loads).toBe(1);
  folder.clock.advance(milliseconds(1));
  await folder.rest();
  expect(folder.loads).toBe(2);
});

it('what changes nothing brings no attempt forward', async () => {
  const folder = new Folder(['index.js']);
  folder.failure = new SlowLoad(mistake);
  await folder.rest();
  folder.clock.advance(seconds(4));
  folder.library.touch();
  await folder.rest();
  expect(folder.loads).toBe(1);
  expect(await folder.looksAfter(seconds(1))).toBe(true);
});

it('what has a mistake is not tried again until a file is saved', async () => {
  const folder = new Folder(['index.js']);
  await folder.rest();
  folder.clock.advance(seconds(3600));
  folder.library.touch();
  await folder.rest();
  expect([folder.loads, folder.failures]).toEqual([1, 1]);
});

it('of a folder without an entry nothing is said while files come, and then that it has none', async () => {
  const folder = new Folder([]);
  await folder.rest();
  for (const file of ['README.md', 'helper.js', 'more.js']) {
    folder.clock.advance(milliseconds(patience - 1));
    folder.write(file, 'text');
    folder.library.touch();
    await folder.rest();
    expect(folder.library.error).toBeUndefined();
  }
  expect(await folder.looksAfter(patience)).toBe(true);
  await folder.rest();
  expect(folder.library.error).toContain('the folder has no index.ts');
  expect(folder.failures).toBe(1);
  folder.write('index.js', '');
  await vi.waitUntil(() => folder.loads === 1, { timeout: 20_000, interval: 1 });
});

it('calls and lists wait for a change no longer than it takes, and none that comes later', async () => {
  const scheduler = new ManualScheduler();
  const reloadWait = seconds(2);
  const { registry, write } = await libraryFolder({}, { scheduler, reloadWait });
  write('endless/index.js', 'for (;;);');
  const [call, list] = [registry.pending('endless'), registry.pendingAny()];
  scheduler.advance(seconds(1));
  const later = registry.pending('endless');
  expect([call, list, later]).not.toContain(undefined);
  let over = 0;
  const count = (): number => over++;
  void Promise.all([call, list, later]).then(count);
  scheduler.advance(milliseconds(999));
  await new Promise(setImmediate);
  expect(over).toBe(0);
  scheduler.advance(milliseconds(1));
  await Promise.all([call, list, later]);
  expect([registry.pending('endless'), registry.pendingAny()]).toEqual([undefined, undefined]);
  expect(() => registry.find('endless', 'f')).toThrow(expect.objectContaining({ code: 'not-ready' }));
});
