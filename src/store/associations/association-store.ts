/**
 * The associations of one process, kept so that they outlive it: keys and what was agreed, sealed under the key file; receive
 * marks and reservations; addresses; sessions that can be resumed by ID; and which unsafe requests were begun and how they were
 * answered. docs/decisions/0010-associations-that-outlive-the-process.md says why in this way.
 *
 * What is noted goes to the system in batches, written by a thread of its own (group-commit.ts); receive marks not even as a
 * message (mark-memory.ts). A killed process loses nothing that was written; after the machine was not stopped in order, all of
 * it is forgotten (part-state.ts).
 *
 * While it cannot be written nothing unsafe is begun and no sequence numbers are granted; what was noted waits, and is tried
 * again. A process that ends meanwhile leaves nothing that is believed: receive marks may be missing, and what was read
 * could be read once more. Only one process uses a part: part-lock.ts.
 */
import { hex } from '../../core/bytes.ts';
import type { Scheduler } from '../../core/clock.ts';
import type { Endpoint } from '../../core/datagram.ts';
import type { TimeOfDay } from '../../core/time-of-day.ts';
import {
  encodeSecrets,
  type AssociationJournal,
  type AssociationSnapshot,
  type RememberedSession,
} from '../../dtls/association-journal.ts';
import type { Session } from '../../dtls/session.ts';
import { GroupCommit, type Waiter } from './group-commit.ts';
import type { JournalWrite } from './journal-messages.ts';
import type { JournalWriter } from './journal-writer.ts';
import {
  associationSlots,
  encodeSessionSlot,
  readPart,
  sessionSlots,
  type KeptAssociation,
  type KeptPart,
} from './kept-part.ts';
import { ownerOf, type Marks } from './mark-file.ts';
import { MarkMemory } from './mark-memory.ts';
import { PartFiles, type PartOptions } from './part-files.ts';
import { encodePlace } from './place.ts';
import type { BegunEntry } from './request-entry.ts';
import { RequestLog } from './request-log.ts';
import { SealedSlots } from './sealed-slots.ts';

export interface AssociationStoreOptions extends PartOptions {
  readonly maxAssociations: number;
  /** Sessions remembered by ID; the oldest make room. */
  readonly maxSessions: number;
  /** For this store alone, which closes it. */
  readonly writer: JournalWriter;
  readonly scheduler: Scheduler;
  readonly timeOfDay: () => TimeOfDay;
  /** Worth an operator's eye: one sentence. */
  readonly onNotice: (level: 'info' | 'warn' | 'error', text: string) => void;
}

export class AssociationStore implements AssociationJournal {
  readonly #options: AssociationStoreOptions;
  readonly #part: PartFiles;
  readonly #associations: SealedSlots;
  readonly #sessions: SealedSlots;
  readonly #marks: MarkMemory;
  readonly #requests: RequestLog;
  readonly #writer: JournalWriter;
  readonly #slots = new Map<string, number>();
  readonly #freeSlots: number[] = [];
  readonly #sessionSlots = new Map<string, number>();
  /** By slot. */
  readonly #sessionIds: (string | undefined)[] = [];
  #usedSlots: number;
  #nextSession: number;
  readonly #commit: GroupCommit;
  /** Numbers that are wanted, and those of them that are being written. */
  #asked = new Map<string, number>();
  #granting = new Map<string, number>();
  #closed = false;
  #kept: KeptPart;
  /** Told of numbers that are reserved; set by whoever takes up what was kept. */
  onReserved: (granted: ReadonlyMap<string, number>) => void = () => undefined;

  /** @throws UsageError 'store-failed' */
  constructor(options: AssociationStoreOptions) {
    this.#options = options;
    this.#writer = options.writer;
    const { folder, part, seal, maxAssociations, maxSessions, onNotice } = options;
    this.#part = new PartFiles(options);
    const { files } = this.#part;
    this.#associations = new SealedSlots(files.associations, seal, associationSlots);
    this.#sessions = new SealedSlots(files.sessions, seal, sessionSlots);
    this.#requests = new RequestLog(folder, `${part}.requests`, seal);
    this.#kept = readPart(this.#part, this.#associations, this.#sessions, this.#requests);
    const { trouble } = this.#kept;
    if (trouble !== undefined) onNotice('warn', `${trouble} (${folder})`);
    this.#usedSlots = this.#kept.usedSlots;
    this.#nextSession = this.#kept.nextSession % maxSessions;
    this.#marks = MarkMemory.make(files.marks, Math.max(maxAssociations, this.#usedSlots));
    this.#commit = new GroupCommit({
      writer: options.writer,
      scheduler: options.scheduler,
      marks: this.#marks.shared,
      takeWrites: () => this.#takeWrites(),
      onWritten: () => this.#written(),
      onFailed: (error) => {
        this.#part.distrust();
        this.#say(error);
      },
      onMended: () => {
        this.#part.begin();
        this.#watch();
        onNotice('info', 'Associations can be written again; all goes on as before.');
      },
    });
    const taken = new Set<number>();
    for (const { slot, id, receiveMark, sendSequence } of this.#kept.associations) {
      taken.add(slot);
      this.#slots.set(id, slot);
      this.#openMarks(slot, id, { receiveMark, sendSequence });
    }
    for (const { id, slot } of this.#kept.sessions) this.#rememberAt(slot, hex(id));
    for (let slot = 0; slot < this.#usedSlots; slot++) if (!taken.has(slot)) this.#freeSlots.push(slot);
    this.#part.begin();
    // What the first handshake comes to is to be written as soon as that of any other.
    options.writer.start();
  }

  /** Associations that processes before this one have left: each is to be taken up, or `closed`. */
  takeKept(): readonly KeptAssociation[] {
    const { associations } = this.#kept;
    this.#kept = { ...this.#kept, associations: [] };
    return associations;
  }

  /** The same of sessions: each is taken up, or `forgotten`. */
  takeKeptSessions(): readonly RememberedSession[] {
    const { sessions } = this.#kept;
    this.#kept = { ...this.#kept, sessions: [] };
    return sessions;
  }

  get fingerprintKey(): number {
    return this.#part.fingerprintKey;
  }

  opened(snapshot: AssociationSnapshot): number {
    const { id, endpoint, receiveMark, sendSequence } = snapshot;
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    if (slot === undefined) return -1;
    // Names of any length and Connection IDs of 255 bytes: what does not fit ends with the process.
    if (!this.#associations.put(slot, encodeSecrets(snapshot), encodePlace(endpoint))) {
      this.#freeSlots.push(slot);
      return -1;
    }
    this.#slots.set(id, slot);
    this.#openMarks(slot, id, { receiveMark, sendSequence });
    this.#commit.noted();
    return slot;
  }

  reserve(id: string, until: number): void {
    const slot = this.#slots.get(id);
    // Whoever is not kept has nothing to fear from another process.
    if (slot !== undefined) this.#marks.reserved[slot] = until;
    if (slot !== undefined) this.#marks.note(slot);
    this.#asked.set(id, until);
    // Half a block is left when the next is asked for.
    this.#commit.noted();
  }

  received(slot: number, mark: number): void {
    if (slot < 0) return;
    this.#marks.received[slot] = mark;
    if (this.#marks.note(slot) && !this.#commit.isStopped) this.#watch();
  }

  moved(id: string, endpoint: Endpoint): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#associations.putTail(slot, encodePlace(endpoint));
    this.#commit.noted();
  }

  closed(id: string): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#asked.delete(id);
    this.#associations.clear(slot);
    this.#freeSlots.push(slot);
    this.#commit.noted();
  }

  remembered(sessionId: Uint8Array, session: Session): void {
    const slot = this.#nextSession;
    if (!this.#sessions.put(slot, encodeSessionSlot(sessionId, session))) return;
    this.#nextSession = (slot + 1) % this.#options.maxSessions;
    this.#rememberAt(slot, hex(sessionId));
    this.#commit.noted();
  }

  forgotten(sessionId: Uint8Array): void {
    const key = hex(sessionId);
    const slot = this.#sessionSlots.get(key);
    if (slot === undefined) return;
    this.#sessionSlots.delete(key);
    this.#sessionIds[slot] = undefined;
    this.#sessions.clear(slot);
    this.#commit.noted();
  }

  /** Whether an association is kept. */
  keeps(id: string): boolean {
    return this.#slots.has(id);
  }

  /** An unsafe request begins; `settled` is told when that is written, or cannot be. Undefined where there is no room, or no disk. */
  begin(request: Omit<BegunEntry, 'number'>, settled: Waiter): ((reply: Uint8Array) => void) | undefined {
    if (this.#commit.isStopped || this.#requests.isFull) return undefined;
    const number = this.#requests.begin(request);
    this.#commit.wait(settled);
    return (reply) => {
      if (this.#closed) return;
      this.#requests.answered(number, reply, request.expires);
      this.#commit.noted();
    };
  }

  /** Numbers that were asked for are granted, or cannot be for now. */
  settled(): Promise<void> {
    return this.#commit.settled();
  }

  /** Writes what was noted, to the disk, and says that it did. What comes after is lost. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (await this.#commit.close()) {
      const { files } = this.#part;
      try {
        await this.#writer.flush([...Object.values(files), ...this.#requests.openFiles]);
        this.#part.end();
      } catch (error) {
        this.#say(error);
      }
    }
    await this.#writer.close();
    this.#requests.close();
    this.#part.close();
  }

  /** The thread that writes looks for new marks by itself, until there are none for a while. */
  #watch(): void {
    Atomics.store(this.#marks.asleep, 0, 0);
    this.#writer.watch(this.#marks.shared);
  }

  /** Whoever had the slot before is not there any more. */
  #rememberAt(slot: number, key: string): void {
    const before = this.#sessionIds[slot];
    if (before !== undefined) this.#sessionSlots.delete(before);
    this.#sessionIds[slot] = key;
    this.#sessionSlots.set(key, slot);
  }

  #openMarks(slot: number, id: string, { receiveMark, sendSequence }: Marks): void {
    this.#marks.owners[slot] = ownerOf(id);
    this.#marks.received[slot] = receiveMark;
    this.#marks.reserved[slot] = sendSequence;
    this.#marks.note(slot);
  }

  #newSlot(): number | undefined {
    return this.#usedSlots < this.#options.maxAssociations ? this.#usedSlots++ : undefined;
  }

  /** Requests first: only they can fail here, and then nothing is taken. Slots come before what refers to them, marks last. */
  #takeWrites(): JournalWrite[] {
    const requests = this.#requests.takeWrites(this.#options.timeOfDay());
    for (const [id, until] of this.#asked) this.#granting.set(id, until);
    this.#asked.clear();
    return [...this.#associations.takeWrites(), ...this.#sessions.takeWrites(), ...requests];
  }

  #written(): void {
    const granted = this.#granting;
    this.#granting = new Map();
    if (granted.size > 0) this.onReserved(granted);
  }

  #say(error: unknown): void {
    const { folder, onNotice } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    onNotice(
      'error',
      `Associations in ${folder} cannot be written: ${reason}. Make room, or mend the disk: until then requests with side effects over coaps get 5.03, and no device gets more than about a thousand further answers.`,
    );
  }
}
