/**
 * Streams that methods of objects give (docs/objects.md), where those of functions are opened too: as long as one is open its object
 * is in use, and with the object it ends.
 */
import type { Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Call } from '../../functions/call.ts';
import type { OpenedStream, StreamItem, StreamOpener } from '../../functions/opened-stream.ts';
import type { Objects } from '../objects.ts';

export class ObjectStreams implements StreamOpener {
  readonly #opener: StreamOpener;
  readonly #objects: Pick<Objects, 'lose' | 'occupy'>;

  constructor(opener: StreamOpener, objects: Pick<Objects, 'lose' | 'occupy'>) {
    this.#opener = opener;
    this.#objects = objects;
  }

  async open(call: Call, itemLimit: Milliseconds): Promise<OpenedStream> {
    if (call.home === undefined) return await this.#opener.open(call, itemLimit);
    const { object: id } = call.home;
    const stream = new ObjectStream();
    const release = this.#objects.occupy(id, () => stream.end());
    try {
      stream.begin(await this.#opener.open(call, itemLimit), release);
      return stream;
    } catch (error) {
      release();
      if (error instanceof CallError && error.code === 'object-lost') this.#objects.lose({ id });
      throw error;
    }
  }
}

class ObjectStream implements OpenedStream {
  #stream: OpenedStream | undefined;
  #release = (): void => undefined;
  /** Its object has ended. */
  #ended = false;
  #closed = false;

  begin(stream: OpenedStream, release: () => void): void {
    this.#stream = stream;
    this.#release = release;
    if (this.#ended) this.#stop();
  }

  async next(skip: number): Promise<StreamItem | undefined> {
    // A stream that is closed while it is waited for has no further item.
    const item = this.#ended ? undefined : await this.#stream?.next(skip);
    if (this.#ended) throw new CallError('object-lost', 'The object was let go of, and its stream has ended with it.');
    return item;
  }

  close(): void {
    this.#stop();
    this.#release();
  }

  /** Its generator ends before its object is closed. */
  end(): void {
    this.#ended = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#closed || this.#stream === undefined) return;
    this.#closed = true;
    this.#stream.close();
  }
}
