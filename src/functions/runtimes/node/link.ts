/**
 * One end of the way between the gateway and a worker thread. What is small and frequent goes as a frame through a ring in
 * shared memory; what is large, rare, or finds the ring full goes as a parcel by postMessage. Each of them begins with its
 * number, so they arrive in the order in which they were sent, whichever way they came.
 *
 * Who has read everything is asleep, and is woken by an empty parcel, once: however many frames follow, they are found when it
 * looks. So a wake-up, which costs more than a hundred frames, is paid for a batch (docs/decisions/0005-calls-in-shared-memory.md).
 */
import { BrokenFrame } from './frame.ts';
import { FrameReader, type FromReference } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { maxFrameBytes, RingReader, RingWriter } from './ring.ts';

/** What goes by postMessage; null only wakes. */
export type Parcel =
  | null
  | { readonly number: number; readonly frame: Uint8Array<ArrayBuffer> }
  | { readonly number: number; readonly message: unknown };

/** Messages of one turn of the event loop: whoever sends as fast as they are read holds up nothing else. */
const atOnce = 128;

/** Parcels that may be ahead of what was sent before them. */
const maxEarly = 65_536;

/** The other side can post anything. */
const isParcel = (parcel: unknown): parcel is Exclude<Parcel, null> =>
  typeof parcel === 'object' &&
  parcel !== null &&
  'number' in parcel &&
  typeof parcel.number === 'number' &&
  ('message' in parcel || ('frame' in parcel && parcel.frame instanceof Uint8Array));

export interface LinkParts {
  readonly outgoing: SharedArrayBuffer;
  readonly incoming: SharedArrayBuffer;
  readonly post: (parcel: Parcel, transfer: readonly ArrayBuffer[]) => void;
  /** Reads a frame to its end. */
  readonly frame: (reader: FrameReader) => void;
  readonly message: (message: unknown) => void;
  /** What stands in frames for a reference to an object; undefined: its path. */
  readonly fromReference?: FromReference;
}

export class Link {
  readonly #parts: LinkParts;
  readonly #out: RingWriter;
  readonly #in: RingReader;
  readonly #writer = new FrameWriter();
  readonly #scratch = new Uint8Array(maxFrameBytes);
  readonly #reader: FrameReader;
  /** Parcels that came before what was sent earlier through the ring, by number. */
  readonly #early = new Map<number, Exclude<Parcel, null>>();
  /** A frame has been read whose turn has not come, because a parcel that was sent earlier is on its way. */
  #held: number | undefined;
  #sent = 0;
  #received = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#reader = new FrameReader(this.#scratch, maxFrameBytes, parts.fromReference);
    this.#out = new RingWriter(parts.outgoing);
    this.#in = new RingReader(parts.incoming);
  }

  /** Begins a frame; `send` ends it. */
  begin(): FrameWriter {
    this.#writer.begin();
    this.#writer.integer(this.#sent);
    return this.#writer;
  }

  send(): void {
    const { bytes, length } = this.#writer;
    const number = this.#sent;
    this.#sent = (this.#sent + 1) | 0;
    if (this.#out.write(bytes, length)) return;
    const frame = bytes.slice(0, length);
    this.#parts.post({ number, frame }, [frame.buffer]);
  }

  sendMessage(message: unknown): void {
    const number = this.#sent;
    this.#sent = (this.#sent + 1) | 0;
    this.#parts.post({ number, message }, []);
  }

  /** To be called after what was sent. */
  wake(): void {
    if (this.#out.takeAsleep()) this.#parts.post(null, []);
  }

  /** The other side has read all that it was sent, and returned to its event loop. */
  get otherSleeps(): boolean {
    return this.#out.readerSleeps;
  }

  /** As `drain`. */
  accept(parcel: unknown): boolean {
    if (parcel !== null) {
      if (!isParcel(parcel) || this.#early.size >= maxEarly) throw new BrokenFrame('a parcel is none');
      this.#early.set(parcel.number, parcel);
    }
    return this.drain();
  }

  /**
   * Hands on what has come, and goes to sleep. False where so much had come that the event loop should turn before the rest.
   * @throws BrokenRing, BrokenFrame
   */
  drain(): boolean {
    let left = atOnce;
    do {
      while (this.#next()) if (--left === 0) return false;
      // What it waits for comes as a parcel, which wakes by itself.
      if (this.#held !== undefined) return true;
    } while (!this.#in.sleep());
    return true;
  }

  #next(): boolean {
    const parcel = this.#early.size === 0 ? undefined : this.#early.get(this.#received);
    if (parcel !== undefined) {
      this.#early.delete(this.#received);
      this.#received = (this.#received + 1) | 0;
      if ('message' in parcel) this.#parts.message(parcel.message);
      else this.#handOn(new FrameReader(parcel.frame, parcel.frame.length, this.#parts.fromReference), parcel.number);
      return true;
    }
    if (this.#held === undefined) {
      const length = this.#in.read(this.#scratch);
      if (length < 0) return false;
      this.#reader.begin(length);
      this.#held = this.#reader.integer();
    }
    if (this.#held !== this.#received) return false;
    this.#held = undefined;
    this.#received = (this.#received + 1) | 0;
    this.#parts.frame(this.#reader);
    return true;
  }

  #handOn(reader: FrameReader, number: number): void {
    if (reader.integer() !== number) throw new BrokenFrame('a frame has another number than its parcel');
    this.#parts.frame(reader);
  }
}
