/**
 * What surrounds one running call, on the side that runs it: the storage behind `context()`,
 * `tag()` and `invalidate()` of funcoap/library. Not public; library authors see library.ts.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ObjectReference } from '../core/object-reference.ts';
import type { ReadCaller } from '../core/principal.ts';
import type { GivenObject } from './call.ts';
import type { Invalidation } from './invalidation.ts';

export interface CallerFacts {
  readonly identity: string;
  readonly groups?: readonly string[];
  readonly peer: string;
  readonly correlationId: string;
}

/** What is told of a call when it starts. */
export interface CallFacts {
  readonly library: string;
  readonly caller: CallerFacts;
  /** Milliseconds since the epoch: monotonic clocks of two threads have different origins. */
  readonly deadline: number;
  readonly dataFolder: string;
  readonly invalidate: (invalidation: Invalidation) => void;
}

/** What objects of exported classes become, which are no data. */
export interface References {
  /** Undefined where it is data. Throws where it cannot be given */
  refer(value: object): ObjectReference | undefined;
  /** Those that were referred to; undefined where there are none. */
  readonly given: readonly GivenObject[] | undefined;
  /** What they stand in is not returned after all. */
  takeBack(): void;
}

const noTags: readonly string[] = [];

/** A call while it runs, and what its function does about it. Most look at nothing, so all is made when asked for. */
export class RunningCall {
  readonly facts: CallFacts;
  /** What objects in its result become, where its library has any. */
  readonly references: References | undefined;
  /** What of who calls the function looked at. */
  readCaller: ReadCaller = false;
  #tags: Set<string> | undefined;
  #abort: AbortController | undefined;

  constructor(facts: CallFacts, references?: References) {
    this.facts = facts;
    this.references = references;
  }

  get tags(): readonly string[] {
    return this.#tags === undefined ? noTags : [...this.#tags];
  }

  /** Adds a tag unless there are `limit` others. */
  tag(name: string, limit: number): boolean {
    this.#tags ??= new Set();
    if (this.#tags.size >= limit && !this.#tags.has(name)) return false;
    this.#tags.add(name);
    return true;
  }

  get signal(): AbortSignal {
    return this.#controller().signal;
  }

  /** Listeners of the signal run inside the call: they may ask for its context too. */
  abort(reason: string): void {
    runningCall.run(this, () => this.#controller().abort(new DOMException(reason, 'AbortError')));
  }

  #controller(): AbortController {
    return (this.#abort ??= new AbortController());
  }
}

export const runningCall: AsyncLocalStorage<RunningCall> = new AsyncLocalStorage();

/** What a thread that belongs to one library offers also outside of calls (timers, file watchers). */
export interface ThreadHost {
  readonly invalidate: (invalidation: Invalidation) => void;
}

let host: ThreadHost | undefined;

export const threadHost = (): ThreadHost | undefined => host;

export function setThreadHost(next: ThreadHost): void {
  host = next;
}
