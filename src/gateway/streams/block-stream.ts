/**
 * A stream that is read and not observed: a CBOR sequence (RFC 8742) in blocks (RFC 7959 §2.4), each of which is made when it
 * is asked for. The last two are kept, for a peer that asks for one again; what lies before them is gone.
 */
import { contentFormat } from '../../cbor/content-format.ts';
import { blockSize } from '../../coap/blockwise/block-option.ts';
import { isSafeMethod, responseCode } from '../../coap/codec/codes.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import { concatBytes, emptyBytes } from '../../core/bytes.ts';
import type { Instant, Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import { itemCbor } from './item-forms.ts';
import type { StreamConsumer, StreamRun } from './stream-run.ts';

/** RFC 7959 §2.2: NUM has 20 bits. */
const lastNum = 0xfffff;

export interface BlockStreamParts {
  readonly run: StreamRun;
  readonly from: number;
  /** The index of the first item that is not wanted. */
  readonly until: number;
  /** How long a peer waits for one block. */
  readonly blockLimit: Milliseconds;
  /** @throws CallError where the caller may not read it any more */
  readonly check: () => void;
  readonly after: (span: Milliseconds, fire: () => void) => () => void;
  readonly now: () => Instant;
  /** Sends an answer, or what became of it instead. */
  readonly respond: (request: Request, answer: Promise<Response>) => void;
}

export class BlockStream implements StreamConsumer {
  readonly #parts: BlockStreamParts;
  #index: number;
  /** What of the sequence is kept, and where in it that begins. */
  #window: Uint8Array = emptyBytes;
  #base = 0;
  #ended = false;
  /** One block after the other, however many are asked for at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: BlockStreamParts) {
    this.#parts = parts;
    this.#index = parts.from;
    parts.run.attach(this);
  }

  /** The answer to the request that began it, or to one for a later block. */
  answer(request: Request): Promise<Response> {
    const answered = this.#turn.then(() => this.#answer(request));
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  replaced(): void {
    this.#ended = true;
  }

  async #answer(request: Request): Promise<Response> {
    const { run } = this.#parts;
    if (!this.#ended) run.attach(this);
    try {
      this.#parts.check();
      const answer = await this.#block(request);
      if (this.#ended) run.leave(this);
      else run.detach(this);
      return answer;
    } catch (error) {
      run.leave(this);
      throw error;
    }
  }

  async #block(request: Request): Promise<Response> {
    const { peer, block2 } = request;
    const num = block2?.num ?? 0;
    const size = blockSize(block2?.szx ?? peer.szx ?? peer.parameters.szx);
    const at = num * size;
    if (at < this.#base || at > this.#end) throw missing();
    await this.#fill(at + size + 1);
    if (at > 0 && at >= this.#end)
      throw new CallError('bad-request', 'The block asked for lies past the end of the stream.');
    const more = this.#end > at + size;
    if (more && num === lastNum)
      throw new CallError('unencodable-result', 'The stream is longer than blocks can be numbered; observe it.');
    const payload = this.#window.slice(at - this.#base, at - this.#base + size);
    this.#forget(at - size);
    if (!more) this.#ended = true;
    const made = response(isSafeMethod(request.code) ? responseCode.content : responseCode.changed, {
      contentFormat: contentFormat.cborSequence,
      maxAge: 0,
      payload,
      // All of it at once may still be more than this peer may be sent.
      kept: true,
    });
    if (at === 0 && !more) return made;
    return { ...made, blocks: { more, next: (next) => this.#parts.respond(next, this.answer(next)) } };
  }

  get #end(): number {
    return this.#base + this.#window.length;
  }

  /** Reads on until so many bytes of the sequence are there, or it is over. */
  async #fill(end: number): Promise<void> {
    const { run, until, blockLimit, after } = this.#parts;
    if (this.#ended || this.#end >= end) return;
    const stopTimer = after(blockLimit, () => run.close(tooSlow(run, blockLimit)));
    const parts = [this.#window];
    let length = this.#end;
    try {
      while (length < end) {
        const item = this.#index >= until ? undefined : await run.take(this.#index);
        if (item === undefined) {
          this.#ended = true;
          break;
        }
        const bytes = itemCbor(item);
        parts.push(bytes);
        length += bytes.length;
        this.#index++;
      }
    } finally {
      stopTimer();
    }
    this.#window = concatBytes(parts);
  }

  #forget(before: number): void {
    if (before <= this.#base) return;
    this.#window = this.#window.slice(before - this.#base);
    this.#base = before;
  }
}

const missing = (): CallError =>
  new CallError('incomplete', 'Only the last two blocks of a stream are kept; begin it again, with _from to go on.');

const tooSlow = ({ fn }: StreamRun, limit: Milliseconds): CallError =>
  new CallError(
    'time-limit',
    `${fn.library}/${fn.method} had not enough items for a block within ${Math.round(limit)} ms; observe it, and each comes when it is there.`,
  );
