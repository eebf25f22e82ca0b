/**
 * What was noted is written in batches, one after the other: at once where somebody waits for it, so that a batch of datagrams
 * is one write and all that comes meanwhile is the next; else within 5 ms and what the write takes.
 *
 *     idle → writing → idle                   what waited goes on
 *               ↓ the system refuses
 *            failing → (a second) → writing   what waited is refused, and so is what comes; nothing that was noted is lost
 */
import type { Scheduler } from '../../core/clock.ts';
import { milliseconds, seconds, type Milliseconds } from '../../core/duration.ts';
import type { JournalWrite } from './journal-messages.ts';
import type { JournalWriter } from './journal-writer.ts';
import type { SharedMarks } from './mark-memory.ts';

export interface GroupCommitOptions {
  readonly writer: JournalWriter;
  readonly scheduler: Scheduler;
  readonly marks: SharedMarks;
  /** What was noted since it was asked last. Where it throws, nothing of it is taken. */
  readonly takeWrites: () => readonly JournalWrite[];
  /** What was taken before is written. */
  readonly onWritten: () => void;
  /** Told once, until it is mended. */
  readonly onFailed: (error: unknown) => void;
  /** All was written again. Where it throws, it goes on failing. */
  readonly onMended: () => void;
}

/** Told whether it was written. */
export type Waiter = (written: boolean) => void;

const writeEvery = milliseconds(5);
const tryAgainAfter = seconds(1);

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiter[] = [];
  /** What the system refused comes first. */
  #unwritten: readonly JournalWrite[] = [];
  #writing: Promise<void> | undefined;
  #isFailing = false;
  #isDirty = false;
  #isQueued = false;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    options.writer.onFailure = (error) => this.#failed(error);
  }

  /** Nothing can be written, for now or any more. */
  get isStopped(): boolean {
    return this.#isFailing || this.#isClosed;
  }

  /** Something is to be written that nobody waits for. */
  noted(): void {
    this.#isDirty = true;
    if (this.#cancel === undefined && this.#writing === undefined && !this.#isClosed) this.#writeAfter(writeEvery);
  }

  /** Something is to be written that somebody waits for. */
  wait(waiter: Waiter): void {
    this.#waiting.push(waiter);
    this.#writeNow();
  }

  /** What was noted until now is written, or cannot be for now. */
  async settled(): Promise<void> {
    while (!this.isStopped && (this.#writing !== undefined || this.#isDirty)) {
      this.#write();
      await this.#writing;
    }
  }

  /** A last write. False where it was refused. */
  async close(): Promise<boolean> {
    while (this.#writing !== undefined) await this.#writing;
    this.#isClosed = true;
    this.#cancel?.();
    await this.#writeAll();
    return !this.#isFailing;
  }

  /** When what is being done now is done. */
  #writeNow(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => {
      this.#isQueued = false;
      if (!this.#isFailing) this.#write();
    });
  }

  #writeAfter(span: Milliseconds): void {
    this.#cancel?.();
    this.#cancel = this.#options.scheduler.after(span, () => this.#write());
  }

  #write(): void {
    if (this.#writing !== undefined || this.#isClosed) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#writing = this.#writeAll().then(() => {
      this.#writing = undefined;
      if (this.#isClosed) return;
      if (this.#isFailing) this.#writeAfter(tryAgainAfter);
      else if (this.#waiting.length > 0) this.#writeNow();
      else if (this.#isDirty) this.noted();
    });
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    const { writer, marks, takeWrites, onWritten, onMended } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      if (this.#unwritten.length > 0) await writer.write(this.#unwritten, marks);
      this.#unwritten = [];
      this.#isDirty = false;
      this.#unwritten = takeWrites();
      await writer.write(this.#unwritten, marks);
      this.#unwritten = [];
      if (this.#isFailing) onMended();
    } catch (error) {
      this.#waiting = [...waiting, ...this.#waiting];
      this.#failed(error);
      return;
    }
    this.#isFailing = false;
    onWritten();
    for (const settled of waiting) settled(true);
  }

  #failed(error: unknown): void {
    const refused = this.#waiting;
    this.#waiting = [];
    const isNew = !this.#isFailing && !this.#isClosed;
    this.#isFailing = true;
    if (isNew) this.#options.onFailed(error);
    for (const settled of refused) settled(false);
    if (this.#writing === undefined && !this.#isClosed) this.#writeAfter(tryAgainAfter);
  }
}
