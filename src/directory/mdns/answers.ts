/** Which records answer a query, and when they may be multicast (RFC 6762 §6, §7). */
import type { Scheduler } from '../../core/clock.ts';
import { milliseconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { nameKey, recordType, sameRecord, type Question, type ResourceRecord } from './message.ts';
import { noOthers } from './records.ts';
import type { LinkRecords } from './service.ts';

/** RFC 6762 §6: a record is multicast no more often than this, and than this to defend a name. */
const multicastEvery = milliseconds(1000);
const defendEvery = milliseconds(250);

type Send = (answers: readonly ResourceRecord[], additionals: readonly ResourceRecord[]) => void;

export class Answers {
  readonly #scheduler: Scheduler;
  readonly #send: Send;
  /** When each was multicast last. As many as there are records. */
  readonly #sentAt: { record: ResourceRecord; at: Instant }[] = [];
  #waiting: ResourceRecord[] = [];
  #besides: ResourceRecord[] = [];
  #stop: (() => void) | undefined;

  constructor(scheduler: Scheduler, send: Send) {
    this.#scheduler = scheduler;
    this.#send = send;
  }

  /** What of `records` answers, without what the asker knows already (RFC 6762 §7.1). */
  to(questions: readonly Question[], records: LinkRecords, known: readonly ResourceRecord[]): ResourceRecord[] {
    const found: ResourceRecord[] = [];
    for (const { name, type } of questions) {
      const key = nameKey(name);
      const named = records.all.filter((record) => nameKey(record.name) === key);
      const matching = named.filter((record) => type === recordType.ANY || record.type === type);
      add(found, matching);
      // RFC 6762 §6.1: where the name is ours alone, that there is no such record is an answer too.
      if (matching.length === 0 && named.some(({ flush }) => flush))
        add(found, [
          noOthers(
            name,
            named.map((record) => record.type),
          ),
        ]);
    }
    const isKnown = (record: ResourceRecord): boolean =>
      known.some((one) => sameRecord(one, record) && one.ttlSeconds >= record.ttlSeconds / 2);
    return found.filter((record) => !isKnown(record));
  }

  additionals(answers: readonly ResourceRecord[], records: LinkRecords): ResourceRecord[] {
    const wanted = new Set(answers.flatMap((record) => records.additionalTo(record)));
    return [...wanted].filter((record) => !answers.includes(record));
  }

  /** Whether all on the link have heard it within the last quarter of its life (RFC 6762 §5.4). */
  isFresh(record: ResourceRecord): boolean {
    const since = this.#since(record);
    return since !== undefined && since < (record.ttlSeconds * 1000) / 4;
  }

  /** Sends them together with whatever else waits. */
  later(
    answers: readonly ResourceRecord[],
    additionals: readonly ResourceRecord[],
    delay: Milliseconds,
    defending: boolean,
  ): void {
    const every = defending ? defendEvery : multicastEvery;
    const due = answers.filter((record) => (this.#since(record) ?? every) >= every);
    if (due.length === 0) return;
    add(this.#waiting, due);
    add(this.#besides, additionals);
    if (delay === 0) this.#flush();
    else this.#stop ??= this.#scheduler.after(delay, () => this.#flush());
  }

  were(records: readonly ResourceRecord[]): void {
    const at = this.#scheduler.now();
    for (const record of records) {
      const before = this.#sentAt.find((one) => sameRecord(one.record, record));
      if (before === undefined) this.#sentAt.push({ record, at });
      else before.at = at;
    }
    // Of earlier names and addresses: what is this old decides nothing.
    const old = this.#sentAt.findIndex((one) => at - one.at > one.record.ttlSeconds * 1000);
    if (old >= 0) this.#sentAt.splice(old, 1);
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    [this.#waiting, this.#besides] = [[], []];
  }

  #since(record: ResourceRecord): Milliseconds | undefined {
    const sent = this.#sentAt.find((one) => sameRecord(one.record, record));
    return sent === undefined ? undefined : milliseconds(this.#scheduler.now() - sent.at);
  }

  #flush(): void {
    const [answers, besides] = [this.#waiting, this.#besides];
    this.close();
    this.#send(
      answers,
      besides.filter((record) => !answers.includes(record)),
    );
  }
}

function add(to: ResourceRecord[], records: readonly ResourceRecord[]): void {
  for (const record of records) if (!to.some((one) => sameRecord(one, record))) to.push(record);
}
