/** What the gateway's thread and the one that writes its journal say to each other. */
import type { SharedMarks } from './mark-memory.ts';

export interface JournalWrite {
  readonly file: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

export type ToWriter =
  /** In this order, and new marks after them; answered when it is done. */
  | { readonly kind: 'write'; readonly writes: readonly JournalWrite[]; readonly marks: SharedMarks }
  /** There are new marks: they are looked for every few milliseconds as long as there are any. */
  | { readonly kind: 'watch'; readonly marks: SharedMarks }
  /** To the disk, not only to the system; answered when it is done. */
  | { readonly kind: 'flush'; readonly files: readonly number[] };

export type FromWriter =
  /** Failure: why it could not be. */
  | { readonly kind: 'done'; readonly failure: string | undefined }
  /** New marks could not be written. */
  | { readonly kind: 'failed'; readonly failure: string };
