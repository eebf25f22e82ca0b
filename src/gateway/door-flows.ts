/** Answers that come one after the other, for doors beside CoAP: the items of a stream, and what becomes of a result. */
import type { Asker } from '../cache/asker.ts';
import { contentFormat } from '../cbor/content-format.ts';
import { hex } from '../core/bytes.ts';
import { CallError } from '../functions/call-error.ts';
import type { Call } from '../functions/call.ts';
import type { StreamItem } from '../functions/opened-stream.ts';
import type { DoorFlow, FlowForm, FlowPart, FlowWish } from '../http/gateway-face.ts';
import type { StreamWords, WatchWords } from './control-words.ts';
import { asCallError } from './faults.ts';
import { itemCbor, itemJson } from './streams/item-forms.ts';
import type { StreamConsumer, StreamRun } from './streams/stream-run.ts';
import type { Streams } from './streams/streams.ts';
import type { Watched, WatchedState } from './watches/function-watch.ts';
import type { Watches } from './watches/watches.ts';

export interface StreamFlowAsk {
  readonly streams: Streams;
  readonly call: Call;
  readonly part: string | undefined;
  readonly words: StreamWords;
  readonly wish: FlowWish;
  /** @throws CallError where the caller may not read it any more */
  readonly check: () => void;
}

/** @throws CallError 'not-acceptable', and what opening the stream fails with */
export async function openStreamFlow({ streams, call, part, words, wish, check }: StreamFlowAsk): Promise<DoorFlow> {
  const [form] = wish.forms;
  if (form === undefined) {
    throw new CallError(
      'not-acceptable',
      'A stream is application/x-ndjson, text/event-stream or application/cbor-seq; accept one of them.',
    );
  }
  const from = wish.after === undefined ? words.from : wish.after + 1;
  const run = await streams.open({ call, part, from, run: words.run });
  return new StreamFlow(run, form, from ?? 0, (words.from ?? 0) + (words.count ?? Infinity), check);
}

class StreamFlow implements DoorFlow, StreamConsumer {
  readonly form: FlowForm;
  readonly tag: string;
  readonly #run: StreamRun;
  readonly #until: number;
  readonly #check: () => void;
  #index: number;
  #replacement: CallError | undefined;
  #refuse: (error: CallError) => void = () => undefined;

  constructor(run: StreamRun, form: FlowForm, from: number, until: number, check: () => void) {
    this.form = form;
    this.tag = run.id;
    this.#run = run;
    this.#index = from;
    this.#until = until;
    this.#check = check;
    run.attach(this);
  }

  async next(): Promise<FlowPart | undefined> {
    try {
      const item = this.#index >= this.#until ? undefined : await this.#taken();
      if (item === undefined) {
        this.#run.leave(this);
        return undefined;
      }
      this.#check();
      const bytes = this.form === 'sequence' ? itemCbor(item) : itemJson(item);
      return { id: String(this.#index++), bytes };
    } catch (error) {
      this.#run.leave(this);
      throw error;
    }
  }

  get count(): number {
    return this.#index;
  }

  leave(): void {
    this.#run.detach(this);
  }

  replaced(): void {
    this.#replacement = new CallError('cancelled', 'The same caller reads this stream by another request.');
    this.#refuse(this.#replacement);
  }

  /** Also who waits is told at once that another has taken its place. */
  #taken(): Promise<StreamItem | undefined> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      if (this.#replacement === undefined) this.#run.take(this.#index).then(resolve, reject);
      else reject(this.#replacement);
    });
  }
}

export interface WatchFlowAsk {
  readonly watches: Watches;
  readonly first: Watched;
  readonly again: (before: Watched) => Watched;
  readonly caller: Call['caller'];
  readonly asker: Asker;
  readonly correlationId: string;
  readonly words: WatchWords;
}

/** The result as JSON, now and whenever it is another. @throws CallError as the call does */
export async function openWatchFlow({ watches, ...parts }: WatchFlowAsk): Promise<DoorFlow> {
  const flow: WatchFlow = new WatchFlow((why) => watches.end(watch, why));
  const watch = watches.add({
    ...parts,
    format: contentFormat.json,
    tell: (state) => flow.tell(state),
    fail: (error) => flow.fail(error),
  });
  try {
    flow.tell(await watch.begin());
    watches.opened(watch);
    return flow;
  } catch (error) {
    watches.end(watch);
    throw error;
  }
}

/** Who reads slowly is told the newest state, and not those between. */
class WatchFlow implements DoorFlow {
  readonly form = 'events';
  readonly count = undefined;
  readonly tag = undefined;
  readonly #end: (why?: CallError) => void;
  #newest: WatchedState | undefined;
  #failure: { readonly error: unknown } | undefined;
  #arrived: () => void = () => undefined;

  constructor(end: (why?: CallError) => void) {
    this.#end = end;
  }

  tell(state: WatchedState): void {
    this.#newest = state;
    this.#arrived();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#end(asCallError(error));
    this.#arrived();
  }

  async next(): Promise<FlowPart> {
    while (this.#newest === undefined) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    const { bytes, etag } = this.#newest;
    this.#newest = undefined;
    return { id: hex(etag), bytes };
  }

  leave(): void {
    this.#end();
  }
}
