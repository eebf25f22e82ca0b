/**
 * A stream that runs, for one consumer at a time. It is asked for an item only when its consumer wants that one. The last few
 * are kept, so that a consumer that comes back within its lifetime goes on where it was; then, without one, it is closed.
 */
import { hex } from '../../core/bytes.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { CallError, problems } from '../../functions/call-error.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import type { OpenedStream, StreamItem } from '../../functions/opened-stream.ts';

/** Who reads it; told when another takes its place. */
export interface StreamConsumer {
  replaced(): void;
}

export interface StreamRunParts {
  /** 4 random bytes: by them a consumer that comes back asks for this run and no other. */
  readonly tag: Uint8Array;
  readonly fn: FunctionDescription;
  /** It is the stream of an object. */
  readonly ofObject: boolean;
  /** Same caller, same function, same arguments; undefined where nobody could come back for it. */
  readonly key: string | undefined;
  readonly source: OpenedStream;
  /** The index of the first item that anybody wants. */
  readonly from: number;
  readonly lifetime: Milliseconds;
  readonly keptItems: number;
  readonly keptBytes: number;
  readonly after: (span: Milliseconds, fire: () => void) => () => void;
  readonly closed: (run: StreamRun) => void;
}

export class StreamRun {
  readonly tag: Uint8Array;
  /** The tag in hex. */
  readonly id: string;
  readonly fn: FunctionDescription;
  readonly ofObject: boolean;
  readonly key: string | undefined;
  /** As logs name it: whose it is among the streams of each peer. */
  peer: string;
  readonly #parts: StreamRunParts;
  /** Given last, in order, the newest at the end. */
  readonly #kept: StreamItem[] = [];
  #keptBytes = 0;
  /** The index of the item that comes next. */
  #next: number;
  /** Items before the first that anybody wants. */
  #skip: number;
  #pulling: Promise<void> | undefined;
  /** Ends the wait for what is being pulled. */
  #release: (() => void) | undefined;
  #ended = false;
  #failure: CallError | undefined;
  /** The failure is the function's own: what comes of it is settled. */
  #hasFailed = false;
  #consumer: StreamConsumer | undefined;
  #stopTimer: (() => void) | undefined;
  #closed = false;

  constructor(parts: StreamRunParts, peer: string) {
    this.#parts = parts;
    this.tag = parts.tag;
    this.id = hex(parts.tag);
    this.fn = parts.fn;
    this.ofObject = parts.ofObject;
    this.key = parts.key;
    this.peer = peer;
    this.#next = parts.from;
    this.#skip = parts.from;
  }

  get isRead(): boolean {
    return this.#consumer !== undefined;
  }

  /** How many items there are before its end; as far as it has come. */
  get count(): number {
    return this.#next;
  }

  /** Of the items that can be had again. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** What it came to an end by, other than its last item. */
  get problem(): string | undefined {
    return this.#ended ? undefined : this.#failure?.code;
  }

  /** Its function has given all, or has failed: what is left of it can be had again, the failure too, although it runs no more. */
  get isComplete(): boolean {
    return this.#ended || this.#hasFailed;
  }

  /** Whether a consumer that wants the item at this index can go on with it. */
  has(index: number): boolean {
    const goesOn = this.isComplete || (!this.#closed && this.#failure === undefined);
    return goesOn && index >= this.#next - this.#kept.length;
  }

  /** From now on it is read by this one. */
  attach(consumer: StreamConsumer): void {
    const before = this.#consumer;
    this.#consumer = consumer;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (before !== consumer) before?.replaced();
  }

  /** Its consumer is gone, or not known to be there, and may come back. */
  detach(consumer: StreamConsumer): void {
    if (this.#consumer !== consumer || this.#closed) return;
    this.#consumer = undefined;
    this.#stopTimer = this.#parts.after(this.#parts.lifetime, () => this.close());
  }

  /** Its consumer wants no more of it. */
  leave(consumer: StreamConsumer): void {
    if (this.#consumer === consumer) this.close();
  }

  /**
   * The item at an index that `has` said it has, or one behind; undefined behind the last.
   * @throws CallError where its function failed before
   */
  async take(index: number): Promise<StreamItem | undefined> {
    while (index >= this.#next) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await (this.#pulling ??= this.#pullOrClose());
    }
    return this.#kept[index - this.#next + this.#kept.length];
  }

  /** @param why what is told to whoever still waits for an item */
  close(why: CallError = givenUp(this.#parts.fn)): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimer?.();
    if (!this.isComplete) {
      this.#failure ??= why;
      this.#kept.length = 0;
    }
    this.#release?.();
    this.#parts.source.close();
    this.#parts.closed(this);
  }

  /** Whoever waits is told of a close even where the function does not react to it. */
  #pullOrClose(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      void this.#pull().then(resolve);
    });
  }

  async #pull(): Promise<void> {
    try {
      const item = await this.#parts.source.next(this.#skip);
      this.#skip = 0;
      if (this.#closed) return;
      if (item === undefined) this.#ended = true;
      else this.#keep(item);
    } catch (error) {
      if (this.#closed) return;
      this.#failure ??= error instanceof CallError ? error : faulty(error);
      // What may be had later is no failure of the function.
      this.#hasFailed = this.#failure.problem.status !== problems['not-ready'].status;
    } finally {
      this.#pulling = undefined;
    }
  }

  #keep(item: StreamItem): void {
    this.#next++;
    this.#kept.push(item);
    this.#keptBytes += sizeOf(item);
    const { keptItems, keptBytes } = this.#parts;
    while (this.#kept.length > 1 && (this.#kept.length > keptItems || this.#keptBytes > keptBytes)) {
      const dropped = this.#kept.shift();
      this.#keptBytes -= dropped === undefined ? 0 : sizeOf(dropped);
    }
  }
}

const overheadBytes = 200;
const sizeOf = ({ cbor }: StreamItem): number => (cbor?.length ?? 0) + overheadBytes;

const givenUp = ({ library, method }: FunctionDescription): CallError =>
  new CallError('cancelled', `The stream of ${library}/${method} was closed; begin it again, with _from to go on.`);

const faulty = (cause: unknown): CallError =>
  new CallError('internal-error', 'The gateway failed to read a stream; its log says why.', { cause });
