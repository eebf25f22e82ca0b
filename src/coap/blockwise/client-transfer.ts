/**
 * One request of ours with a body of any size, and its response of any size (RFC 7959 §2, §3).
 *
 *   uploading    2.31                          next block of the body, in the size the peer asks for
 *                4.13 with a smaller Block1    the body again from its start in that size (§2.9.3)
 *   any          4.01 with Echo                once more with that Echo (RFC 9175 §2.3)
 *   downloading  Block2 with more to come      next block, in the size the peer gave
 *                another ETag                  the representation changed: once more from its start (§2.4)
 *   any          anything else                 the answer
 *
 * Each block goes under a token of its own; a Request-Tag keeps parallel transfers apart where the body is cut.
 */
import { concatBytes, emptyBytes, equalBytes } from '../../core/bytes.ts';
import type { Instant } from '../../core/duration.ts';
import { codeClass, isSafeMethod, responseCode } from '../codec/codes.ts';
import type { Message } from '../codec/message.ts';
import { findOption, opaqueOption, optionNumber, sortOptions, uintOption, type Option } from '../codec/options.ts';
import type { ClientExchange, ClientExchanges, ExchangeListener, RequestFailure } from '../exchange/client-exchange.ts';
import type { Peer } from '../exchange/peer.ts';
import { blockSize, encodeBlock, findBlock, sliceBlock, type Block, type Szx } from './block-option.ts';

export interface TransferRequest {
  readonly code: number;
  /** Ascending, without Block1, Block2, Size1, Echo and Observe. */
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  readonly confirmable: boolean;
  /** Blocks of this size are sent and asked for; undefined asks for none and sends blocks of 1024. */
  readonly szx: Szx | undefined;
  /** Registers as an observer with the first request (RFC 7641 §3.1). */
  readonly observe: boolean;
  /** Of an observation: each confirmable notification waits, not acknowledged, until `resume` is called after the one before. */
  readonly paced?: boolean | undefined;
  readonly maxResponseBytes: number;
}

export interface TransferProgress {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A whole answer. */
export interface TransferAnswer {
  readonly code: number;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  /** Exchanges it took. */
  readonly exchanges: number;
}

export interface TransferListener {
  answered(answer: TransferAnswer, now: Instant): void;
  failed(reason: RequestFailure, now: Instant): void;
  progress(progress: TransferProgress): void;
}

const largestSzx: Szx = 6;

export class ClientTransfer implements ExchangeListener {
  readonly #exchanges: ClientExchanges;
  readonly #peer: Peer;
  readonly #request: TransferRequest;
  readonly #listener: TransferListener;
  readonly #requestTag: readonly Option[];
  #options: readonly Option[];
  #uploadSzx: Szx;
  #sent = 0;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #etag: Uint8Array | undefined;
  /** The Observe option of the first block. */
  #sequence: readonly Option[] = [];
  #echoed = false;
  #restarts = 0;
  #count = 0;
  #exchange: ClientExchange | undefined;
  /** The exchange that notifications come by. */
  #observing: ClientExchange | undefined;
  /** The one that they came by, until the answer to its successor. */
  #replaced: ClientExchange | undefined;
  /** The body is on its way once more for an observation that stays what it is. */
  #isAgain = false;

  constructor(
    exchanges: ClientExchanges,
    peer: Peer,
    request: TransferRequest,
    requestTag: Uint8Array,
    listener: TransferListener,
  ) {
    this.#exchanges = exchanges;
    this.#peer = peer;
    this.#request = request;
    this.#options = request.options;
    this.#listener = listener;
    this.#uploadSzx = request.szx ?? largestSzx;
    this.#requestTag = this.#isCut() ? [opaqueOption(optionNumber.requestTag, requestTag)] : [];
  }

  start(now: Instant): void {
    this.#begin(false, now);
  }

  #begin(isAgain: boolean, now: Instant): void {
    this.#isAgain = isAgain;
    this.#sent = 0;
    this.#resetDownload();
    this.#sendBody(now);
  }

  /**
   * Registers the observation again, under its token where all options but ETags are the same (RFC 7641 §3.3.1), unless it is at
   * that already.
   *
   * @param options undefined: those that it has
   */
  refresh(options: readonly Option[] = this.#options, now: Instant): void {
    if (this.#observing?.isSending === true || this.#exchange?.isSending === true) return;
    const { code, payload, confirmable } = this.#request;
    const isOther = !areSame(withoutETag(options), withoutETag(this.#options));
    this.#options = options;
    if (this.#isCut() || isOther) this.#begin(!isOther, now);
    else this.#observing?.send({ code, options: this.#withOptions(this.#firstOptions()), payload, confirmable }, now);
  }

  /** The next notification of a paced observation is wanted. */
  resume(now: Instant): void {
    this.#observing?.resume(now);
  }

  stop(now: Instant): void {
    this.#exchange?.close(now);
    this.#endObserving(now);
  }

  /** Stops, and tells the server where it is observed (RFC 7641 §3.6). */
  leave(now: Instant): void {
    const observing = this.#observing;
    // Whose body went in blocks would have to send it again: the next notification is rejected instead.
    if (observing !== undefined && !this.#isCut()) {
      this.#observing = undefined;
      const { code, payload, szx } = this.#request;
      const block = szx === undefined ? [] : [blockOption({ num: 0, more: false, szx })];
      const options = this.#withOptions([uintOption(optionNumber.observe, 1), ...block]);
      observing.leave({ code, options, payload, confirmable: true }, now);
    }
    this.stop(now);
  }

  #endObserving(now: Instant): void {
    this.#forgetReplaced(now);
    this.#observing?.close(now);
    this.#observing = undefined;
  }

  #forgetReplaced(now: Instant): void {
    this.#replaced?.close(now);
    this.#replaced = undefined;
  }

  answered(message: Message, options: readonly Option[], now: Instant): void {
    this.#peer.echo = findOption(options, optionNumber.echo) ?? this.#peer.echo;
    if (message.code === responseCode.continue) this.#continueUpload(options, now);
    else if (message.code === responseCode.unauthorized && this.#mayEcho(options)) this.start(now);
    else if (message.code === responseCode.requestEntityTooLarge && this.#mayShrink(options)) this.start(now);
    else this.#download(message, options, now);
  }

  failed(reason: RequestFailure, now: Instant): void {
    this.stop(now);
    this.#listener.failed(reason, now);
  }

  #isCut(): boolean {
    return this.#request.payload.length > blockSize(this.#uploadSzx);
  }

  #sendBody(now: Instant): void {
    const { payload } = this.#request;
    if (!this.#isCut()) {
      this.#send(this.#firstOptions(), payload, now);
      return;
    }
    const num = this.#sent / blockSize(this.#uploadSzx);
    const slice = sliceBlock(payload, num, this.#uploadSzx);
    if (slice === undefined) {
      this.failed('bad-block', now);
      return;
    }
    const options = [opaqueOption(optionNumber.block1, encodeBlock(slice.block))];
    if (num === 0) options.push(uintOption(optionNumber.size1, payload.length));
    if (!slice.block.more) options.push(...this.#firstOptions());
    this.#send(options, slice.payload, now);
  }

  /** What the request says that makes the resource answer. */
  #firstOptions(): Option[] {
    const options: Option[] = [];
    if (this.#request.observe) options.push(uintOption(optionNumber.observe, 0));
    const { szx } = this.#request;
    if (szx !== undefined) options.push(blockOption({ num: 0, more: false, szx }));
    return options;
  }

  #continueUpload(options: readonly Option[], now: Instant): void {
    const block = findBlock(options, optionNumber.block1);
    // To a body that went whole there is nothing to go on with: sending it again would do twice what it does.
    if (block === undefined || block === 'invalid' || !this.#isCut()) {
      this.failed('bad-block', now);
      return;
    }
    this.#sent += blockSize(this.#uploadSzx);
    // RFC 7959 §2.3: the server may ask for smaller blocks from the first answer on.
    if (block.szx < this.#uploadSzx && this.#sent % blockSize(block.szx) === 0) this.#uploadSzx = block.szx;
    this.#listener.progress({ sentBytes: this.#sent, receivedBytes: 0 });
    this.#sendBody(now);
  }

  #mayEcho(options: readonly Option[]): boolean {
    if (this.#echoed || findOption(options, optionNumber.echo) === undefined) return false;
    this.#echoed = true;
    return true;
  }

  #mayShrink(options: readonly Option[]): boolean {
    const block = findBlock(options, optionNumber.block1);
    if (block === undefined || block === 'invalid' || block.szx >= this.#uploadSzx) return false;
    this.#uploadSzx = block.szx;
    return true;
  }

  #download(message: Message, options: readonly Option[], now: Instant): void {
    this.#forgetReplaced(now);
    const block = isSuccess(message) ? findBlock(options, optionNumber.block2) : undefined;
    if (message.code === responseCode.requestEntityIncomplete && this.#receivedBytes > 0 && this.#maySendAgain()) {
      this.#restart(now); // what it had stored is gone
      return;
    }
    if (block === 'invalid' || (block !== undefined && !this.#isNext(block, message))) {
      this.#lostTrack(block, now);
      return;
    }
    if (block === undefined || block.num === 0) {
      this.#resetDownload(); // the start, a notification, or an answer that is whole: an error is (§2.4)
      this.#sequence = options.filter((option) => option.number === optionNumber.observe);
      if (this.#sequence.length === 0) this.#endObserving(now); // RFC 7641 §3.1: no observation, or it has ended
    }
    const etag = findOption(options, optionNumber.etag);
    if (this.#receivedBytes > 0 && !sameTag(etag, this.#etag)) {
      this.#restart(now);
      return;
    }
    this.#etag = etag;
    this.#received.push(message.payload);
    this.#receivedBytes += message.payload.length;
    if (this.#receivedBytes > this.#request.maxResponseBytes) {
      this.failed('too-large', now);
      return;
    }
    if (block?.more !== true) {
      this.#finish(message.code, options, now);
      return;
    }
    const { szx } = block;
    const received = this.#receivedBytes;
    this.#listener.progress({ sentBytes: this.#request.payload.length, receivedBytes: received });
    // The body has been sent: later blocks are asked for without it (RFC 7959 §3.3).
    this.#send([blockOption({ num: received / blockSize(szx), more: false, szx })], emptyBytes, now);
  }

  #isNext(block: Block, message: Message): boolean {
    const size = blockSize(block.szx);
    if (block.more && message.payload.length !== size) return false;
    if (block.num > 0) return block.num * size === this.#receivedBytes;
    return this.#receivedBytes === 0 || findOption(message.options, optionNumber.observe) !== undefined;
  }

  #lostTrack(block: Block | 'invalid', now: Instant): void {
    if (block === 'invalid' || block.num === 0) this.failed('bad-block', now);
    else this.#restart(now);
  }

  #restart(now: Instant): void {
    this.#restarts++;
    if (this.#restarts > 2 || !this.#maySendAgain()) this.failed('changed', now);
    else this.start(now);
  }

  /** Asking an unsafe request again would do twice what it does. */
  #maySendAgain(): boolean {
    return isSafeMethod(this.#request.code);
  }

  #finish(code: number, options: readonly Option[], now: Instant): void {
    const payload = this.#received.length === 1 ? (this.#received[0] ?? emptyBytes) : concatBytes(this.#received);
    this.#resetDownload();
    // The next notification begins anew.
    this.#restarts = 0;
    this.#echoed = false;
    // Later blocks are read without Observe (RFC 7959 §2.6).
    const own = options.filter((option) => option.number !== optionNumber.observe);
    const all = this.#sequence.length === 0 ? own : sortOptions([...own, ...this.#sequence]);
    this.#listener.answered({ code, options: all, payload, exchanges: this.#count }, now);
  }

  #resetDownload(): void {
    this.#received = [];
    this.#receivedBytes = 0;
    this.#etag = undefined;
  }

  #send(extra: readonly Option[], payload: Uint8Array, now: Instant): void {
    const { code, confirmable } = this.#request;
    const registers = extra.some((option) => option.number === optionNumber.observe);
    const again = registers && this.#isAgain ? this.#observing : undefined;
    if (registers && again === undefined) {
      if (this.#replaced === undefined) this.#observing?.replace(now);
      else this.#observing?.close(now);
      this.#replaced ??= this.#observing;
    }
    this.#exchange?.close(now); // a notification has come while the one before it was read
    const keepOpen = registers ? (this.#request.paced === true ? 'paced' : 'yes') : 'no';
    const exchange = again ?? this.#exchanges.open(this.#peer, keepOpen, this);
    if (registers) this.#observing = exchange;
    else this.#exchange = exchange;
    this.#count++;
    exchange.send({ code, options: this.#withOptions(extra), payload, confirmable }, now);
  }

  #withOptions(extra: readonly Option[]): readonly Option[] {
    const { echo } = this.#peer;
    this.#peer.echo = undefined; // RFC 9175 §2.3: in the next request
    const echoOptions = echo === undefined ? [] : [opaqueOption(optionNumber.echo, echo)];
    return sortOptions([...this.#options, ...extra, ...this.#requestTag, ...echoOptions]);
  }
}

const isSuccess = (message: Message): boolean => codeClass(message.code) === 2;

const blockOption = (block: Block): Option => opaqueOption(optionNumber.block2, encodeBlock(block));

const withoutETag = (options: readonly Option[]): readonly Option[] =>
  options.filter(({ number }) => number !== optionNumber.etag);

const areSame = (one: readonly Option[], other: readonly Option[]): boolean =>
  one.length === other.length &&
  one.every(({ number, value }, i) => number === other[i]?.number && equalBytes(value, other[i].value));

const sameTag = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equalBytes(a, b);
