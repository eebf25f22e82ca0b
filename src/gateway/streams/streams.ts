/**
 * The streams that run, for all doors: how many there may be, who may go on with one, and when they are closed.
 *
 * `_from` names the item that a consumer wants first. It goes on with a stream of the same caller, function and arguments whose
 * consumer has gone, or is this very peer, and which still has that item. Otherwise the function runs anew, and the items
 * before are skipped in its worker. With `_run` it goes on with that very stream, also one that has ended or failed a while ago
 * or that seems to be read by another peer, since its name is known to who began it alone; where it is gone nothing runs.
 */
import type { Scheduler } from '../../core/clock.ts';
import { ExpiringMap } from '../../core/expiring-map.ts';
import { milliseconds, seconds, type Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import { holderOf, type Call } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import type { StreamOpener } from '../../functions/opened-stream.ts';
import { tellOngoing } from '../ongoing.ts';
import { stopping } from '../stopping.ts';
import { StreamRun } from './stream-run.ts';

export interface StreamSettings {
  /** Open at a time. */
  readonly maxStreams: number;
  readonly maxStreamsPerPeer: number;
  /** How long one lives on without a consumer. */
  readonly lifetime: Milliseconds;
  /** How long its consumer waits for one item at most. */
  readonly itemLimit: Milliseconds;
}

/** No RFC's numbers. */
export const defaultStreamSettings: StreamSettings = {
  maxStreams: 1000,
  maxStreamsPerPeer: 16,
  lifetime: seconds(60),
  itemLimit: seconds(3600),
};

/** What a consumer that comes back may have missed: of each stream. */
const kept = { keptItems: 64, keptBytes: 65_536 };
/** How long a stream of a library that was changed goes on; less than its threads stay (worker-pool-options.ts). */
const reloadGrace: Milliseconds = seconds(5);
const retryAfter: Milliseconds = seconds(5);
/** Streams that have ended or failed, for whoever has not heard of it; of each caller by itself, so that none makes another's forgotten: no RFC's numbers. */
const maxHolders = 64;
const maxComplete = 16;
const maxCompleteBytes = 512 << 10;
const tagBytes = 4;

export interface StreamsOptions extends StreamSettings {
  readonly opener: StreamOpener;
  readonly scheduler: Scheduler;
  readonly randomBytes: (length: number) => Uint8Array;
  /** The version of a library that is served now. */
  readonly versionOf: (library: string) => string | undefined;
}

/** A call of a stream. */
export interface StreamAsk {
  readonly call: Call;
  /** Of the arguments, as the cache makes it; undefined where they have none. */
  readonly part: string | undefined;
  /** The index of the first item wanted; undefined begins anew, which `_from=0` need not. */
  readonly from: number | undefined;
  /** The stream that it has to be; undefined where it may begin anew. */
  readonly run: string | undefined;
}

export class Streams {
  readonly #options: StreamsOptions;
  readonly #runs = new Set<StreamRun>();
  readonly #byPeer = new Map<string, number>();
  /** By whose they are, the oldest first. */
  readonly #complete: ExpiringMap<string, readonly StreamRun[]>;
  #opening = 0;
  #closed = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    const { lifetime: maxAge } = options;
    this.#complete = new ExpiringMap({ maxEntries: maxHolders, maxBytes: 8 * maxCompleteBytes, maxAge });
  }

  get size(): number {
    return this.#runs.size;
  }

  get settings(): StreamSettings {
    return this.#options;
  }

  /** @throws CallError 'stream-lost', 'overloaded', 'not-ready', and what opening it fails with */
  async open(ask: StreamAsk): Promise<StreamRun> {
    const { call, part, from = 0 } = ask;
    const { function: fn, caller } = call;
    const key = part === undefined ? undefined : [holderOf(caller), fn.library, fn.method, fn.version, part].join('\0');
    const known = key === undefined ? undefined : this.#known(key, ask);
    if (known !== undefined) {
      this.#move(known, caller.peer);
      return known;
    }
    if (ask.run !== undefined) throw gone(fn);
    this.#checkRoom(call);
    return await this.#begin(call, key, from);
  }

  async #begin(call: Call, key: string | undefined, from: number): Promise<StreamRun> {
    const { function: fn, caller } = call;
    this.#opening++;
    this.#count(caller.peer, 1);
    try {
      const { opener, itemLimit, lifetime, randomBytes, scheduler } = this.#options;
      const source = await opener.open(call, itemLimit);
      const run = new StreamRun(
        {
          tag: randomBytes(tagBytes),
          fn,
          ofObject: call.home !== undefined,
          key,
          source,
          from,
          lifetime,
          ...kept,
          after: (span, fire) => scheduler.after(span, fire),
          closed: (closed) => this.#remove(closed, call),
        },
        caller.peer,
      );
      this.#runs.add(run);
      tellOngoing('stream', 'opened', call);
      if (this.#closed) run.close(stopping());
      return run;
    } catch (error) {
      this.#count(caller.peer, -1);
      throw error;
    } finally {
      this.#opening--;
    }
  }

  /** A library was loaded, replaced or removed: streams of what it was before end soon, but for those of objects, which stay. */
  libraryChanged(library: string): void {
    const version = this.#options.versionOf(library);
    const changed = [...this.#runs].filter(({ fn }) => fn.library === library && fn.version !== version);
    const old = changed.filter(({ ofObject }) => !ofObject);
    // The instance for all callers ends at once.
    for (const run of changed) if (run.ofObject && run.fn.instance === 'single') run.close(instanceEnded(library));
    if (old.length === 0) return;
    this.#options.scheduler.after(reloadGrace, () => {
      for (const run of old)
        run.close(
          new CallError('not-ready', `${library} was changed: begin its stream again, with _from to go on.`, {
            retryAfter: milliseconds(0),
          }),
        );
    });
  }

  close(): void {
    this.#closed = true;
    for (const run of this.#runs) run.close(stopping());
  }

  /** What it goes on with. */
  #known(key: string, { call, from, run }: StreamAsk): StreamRun | undefined {
    if (run !== undefined) return this.#named(run, key, from ?? 0, holderOf(call.caller));
    return from === undefined ? undefined : this.#find(key, call.caller.peer, from);
  }

  #find(key: string, peer: string, from: number): StreamRun | undefined {
    for (const run of this.#runs)
      if (run.key === key && (!run.isRead || run.peer === peer) && run.problem === undefined && run.has(from))
        return run;
    return undefined;
  }

  #named(id: string, key: string, from: number, holder: string): StreamRun | undefined {
    const isMeant = (run: StreamRun): boolean => run.id === id && run.key === key && run.has(from);
    for (const run of this.#runs) if (isMeant(run)) return run;
    return this.#complete.get(holder, this.#options.scheduler.now())?.find(isMeant);
  }

  #remember(run: StreamRun, holder: string): void {
    const now = this.#options.scheduler.now();
    const own = [...(this.#complete.get(holder, now) ?? []), run].slice(-maxComplete);
    const bytes = (): number => own.reduce((sum, { keptBytes }) => sum + keptBytes, 0);
    while (own.length > 1 && bytes() > maxCompleteBytes) own.shift();
    this.#complete.set(holder, own, bytes(), now);
  }

  #checkRoom(call: Call): void {
    const why = this.#whyNoRoom(call.caller.peer);
    if (why === undefined) return;
    tellOngoing('stream', 'refused', call, why.code);
    throw why;
  }

  #whyNoRoom(peer: string): CallError | undefined {
    if (this.#closed) return stopping();
    const { maxStreams, maxStreamsPerPeer } = this.#options;
    if (this.#runs.size + this.#opening >= maxStreams)
      return new CallError('overloaded', 'Too many streams are open; come back later.', { retryAfter });
    if ((this.#byPeer.get(peer) ?? 0) < maxStreamsPerPeer) return undefined;
    return new CallError(
      'overloaded',
      `This peer has ${maxStreamsPerPeer} streams open, which is all that it may have; end one of them.`,
      { retryAfter },
    );
  }

  #move(run: StreamRun, peer: string): void {
    if (!this.#runs.has(run)) return;
    this.#count(run.peer, -1);
    run.peer = peer;
    this.#count(peer, 1);
  }

  #remove(run: StreamRun, call: Call): void {
    if (!this.#runs.delete(run)) return;
    this.#count(run.peer, -1);
    if (run.isComplete) this.#remember(run, holderOf(call.caller));
    tellOngoing('stream', 'ended', call, run.problem);
  }

  #count(peer: string, by: 1 | -1): void {
    const count = (this.#byPeer.get(peer) ?? 0) + by;
    if (count === 0) this.#byPeer.delete(peer);
    else this.#byPeer.set(peer, count);
  }
}

const gone = ({ library, method }: FunctionDescription): CallError =>
  new CallError(
    'stream-lost',
    `The stream of ${library}/${method} is not there any more, or has not that item: the gateway was started again, the library was changed, or nobody read it for too long. Begin anew, with _from where equal calls give equal items.`,
  );

const instanceEnded = (library: string): CallError =>
  new CallError('object-lost', `${library} was changed, and the object has ended; make another one.`);
