/**
 * A multicast DNS responder on one link (RFC 6762), for what a gateway announces there. Sans-IO but for its timers.
 *
 *     probing ──750 ms──▶ announced ──close──▶ gone (RFC 6762 §10.1)
 *        ▲  └─ taken: next name      │
 *        └──────── conflict ─────────┘   RFC 6762 §9
 *
 * Left out: unicast questions to port 5353 (RFC 6762 §5.5), a cache (who asks is elsewhere: one-shot.ts), and asking in probes for
 * unicast answers, which would go to whichever program of this machine took port 5353 first (RFC 6762 §15.1).
 */
import type { Scheduler } from '../../core/clock.ts';
import type { Address } from '../../core/datagram.ts';
import { milliseconds, seconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { Answers } from './answers.ts';
import { decodeDnsMessage, emptyMessage, encodeDnsMessage, nameKey, recordType, sameRecord } from './message.ts';
import type { DnsMessage, ResourceRecord } from './message.ts';
import { LinkRecords, type AnnouncedService } from './service.ts';
import { comesLater } from './tiebreak.ts';

/** RFC 6762 §3 */
const mdnsPort = 5353;
/** RFC 6762 §8.1 */
const probeEvery = milliseconds(250);
const probes = 3;
/** RFC 6762 §8.2: until who won a tie has announced itself. */
const deferFor = seconds(1);
/** RFC 6762 §8.1: so many conflicts in such a time, and each further attempt waits. */
const maxConflicts = 15;
const conflictPeriod = seconds(10);
const conflictPause = seconds(5);
/** RFC 6762 §8.3 */
const announcements = 2;
const announceEvery = seconds(1);
/** RFC 6762 §6: where others may answer too. */
const sharedDelayMs = [20, 120] as const;
/** RFC 6762 §7.2: until the rest of the known answers is here. */
const truncatedDelayMs = [400, 500] as const;
/** Askers whose known answers are waited for. No RFC's number. */
const maxTruncated = 16;
/** Of one asker. No RFC's number. */
const maxKnown = 1024;

export interface ResponderOptions {
  readonly scheduler: Scheduler;
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  /** To the group, through each of the link's IP versions. */
  readonly multicast: (bytes: Uint8Array) => void;
  readonly unicast: (bytes: Uint8Array, to: Address) => void;
  readonly instance: string;
  readonly host: string;
  /** Said by this gateway on another link, which may be the same wire. */
  readonly isOurs: (record: ResourceRecord) => boolean;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #sent: Answers;
  readonly #truncated = new Map<
    string,
    { readonly query: DnsMessage; readonly from: Address; known: ResourceRecord[] }
  >();
  #services: readonly AnnouncedService[] = [];
  #attempt = 1;
  /** When the last ones were, the newest at the end. */
  readonly #conflictsAt: Instant[] = [];
  /** There were too many; until a name has been had. */
  #mustPause = false;
  #records = new LinkRecords('', '', 1, []);
  #state: 'idle' | 'probing' | 'announced' | 'closed' = 'idle';
  #stopTimer: () => void = () => undefined;

  constructor(options: ResponderOptions) {
    this.#options = options;
    const { scheduler } = options;
    this.#sent = new Answers(scheduler, (answers, additionals) => this.#multicast(answers, additionals));
  }

  /** What it says or would like to say. */
  get records(): readonly ResourceRecord[] {
    return this.#records.all;
  }

  /** What is to be announced from now on; nothing where empty. */
  announce(services: readonly AnnouncedService[]): void {
    if (this.#state === 'closed') return;
    const before = this.#records;
    const wasAnnounced = this.#state === 'announced';
    this.#services = services;
    this.#name();
    // RFC 6762 §8.4: others replace what only this host says; of the rest they are told.
    if (wasAnnounced) this.#goodbye(before.all.filter((old) => !this.#records.all.some((now) => sameRecord(now, old))));
    this.#stopTimer();
    if (services.length === 0) {
      this.#state = 'idle';
      return;
    }
    const owned = new Set(before.names.map(nameKey));
    if (wasAnnounced && this.#records.names.every((name) => owned.has(nameKey(name)))) this.#announce(announcements);
    else this.#probeAfter(this.#between([0, probeEvery]));
  }

  /** @param from on this link */
  receive(bytes: Uint8Array, from: Address): void {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    const message = decodeDnsMessage(bytes);
    if (message === undefined) return;
    if (!message.response) this.#asked(message, from);
    // RFC 6762 §11: answers come from port 5353.
    else if (from.port === mdnsPort) this.#heard(message);
  }

  close(): void {
    if (this.#state === 'announced') this.#goodbye(this.#records.all);
    this.#stopTimer();
    this.#sent.close();
    this.#truncated.clear();
    this.#state = 'closed';
  }

  #name(): void {
    const { instance, host } = this.#options;
    this.#records = new LinkRecords(instance, host, this.#attempt, this.#services);
  }

  #probeAfter(span: Milliseconds): void {
    this.#state = 'probing';
    this.#stopTimer();
    this.#stopTimer = this.#options.scheduler.after(span, () => this.#probe(probes));
  }

  #probe(left: number): void {
    if (left === 0) {
      this.#state = 'announced';
      this.#mustPause = false;
      this.#announce(announcements);
      return;
    }
    const questions = this.#records.names.map((name) => ({ name, type: recordType.ANY, unicast: false }));
    // RFC 6762 §8.2: what would be said decides a tie. The flush bit is for answers (§10.2).
    const authorities = this.#records.unique.map((record) => ({ ...record, flush: false }));
    this.#options.multicast(encodeDnsMessage({ ...emptyMessage, questions, authorities }));
    this.#stopTimer = this.#options.scheduler.after(probeEvery, () => this.#probe(left - 1));
  }

  #announce(left: number): void {
    this.#multicast(this.#records.all, []);
    if (left > 1) this.#stopTimer = this.#options.scheduler.after(announceEvery, () => this.#announce(left - 1));
  }

  #goodbye(records: readonly ResourceRecord[]): void {
    if (records.length === 0) return;
    const answers = records.map((record) => ({ ...record, ttlSeconds: 0 }));
    this.#options.multicast(encodeDnsMessage({ ...emptyMessage, response: true, answers }));
  }

  #asked(query: DnsMessage, from: Address): void {
    const key = `${from.address} ${from.port}`;
    const waiting = this.#truncated.get(key);
    // RFC 6762 §7.2: the rest of a list of known answers has no question.
    if (waiting !== undefined && query.questions.length === 0) {
      const { all } = this.#records;
      // Lists of known answers are of everybody's records: only ours count, each as often as anybody could have said it.
      const ours = query.answers.filter((one) => all.some((own) => sameRecord(own, one)));
      waiting.known.push(...ours.slice(0, Math.max(0, maxKnown - waiting.known.length)));
      return;
    }
    if (this.#state === 'probing') {
      this.#tie(query);
      return;
    }
    if (!query.truncated) return this.#answer(query, query.answers, from);
    if (waiting !== undefined || this.#truncated.size >= maxTruncated) return;
    const asked = { query, from, known: [...query.answers] };
    this.#truncated.set(key, asked);
    this.#options.scheduler.after(this.#between(truncatedDelayMs), () => {
      if (this.#truncated.delete(key) && this.#state === 'announced') this.#answer(query, asked.known, from);
    });
  }

  #answer(query: DnsMessage, known: readonly ResourceRecord[], from: Address): void {
    const isSimple = from.port !== mdnsPort;
    const wanted = this.#sent.to(query.questions, this.#records, isSimple ? [] : known);
    if (wanted.length === 0) return;
    const additionals = this.#sent.additionals(wanted, this.#records);
    if (isSimple) {
      // RFC 6762 §6.7
      const plain = (record: ResourceRecord): ResourceRecord => ({
        ...record,
        flush: false,
        ttlSeconds: Math.min(record.ttlSeconds, 10),
      });
      const { id, questions } = query;
      // Of questions about names that are none of ours the answer says nothing; so it is as long as our records make it.
      const names = new Set(this.#records.all.map(({ name }) => nameKey(name)));
      const asked = questions
        .filter(({ name }) => names.has(nameKey(name)))
        .map((question) => ({ ...question, unicast: false }));
      const answer = {
        ...emptyMessage,
        id,
        response: true,
        questions: asked,
        answers: wanted.map(plain),
        additionals: additionals.map(plain),
      };
      this.#options.unicast(encodeDnsMessage(answer), from);
      return;
    }
    // RFC 6762 §5.4: unicast is enough where all have heard it not long ago.
    const mayUnicast = query.questions.every(({ unicast }) => unicast);
    const fresh = mayUnicast ? wanted.filter((record) => this.#sent.isFresh(record)) : [];
    if (fresh.length === wanted.length) {
      this.#options.unicast(encodeDnsMessage({ ...emptyMessage, response: true, answers: wanted, additionals }), from);
      return;
    }
    // RFC 6762 §6: at once where nobody else can answer, and to defend a name.
    const isProbe = query.authorities.length > 0;
    const delay = isProbe || wanted.every(({ flush }) => flush) ? milliseconds(0) : this.#between(sharedDelayMs);
    this.#sent.later(wanted, additionals, delay, isProbe);
  }

  /** RFC 6762 §8.2: somebody probes for one of our names at the same time. */
  #tie(query: DnsMessage): void {
    for (const name of this.#records.names) {
      const key = nameKey(name);
      const theirs = query.authorities.filter((record) => nameKey(record.name) === key);
      const ours = this.#records.unique.filter((record) => nameKey(record.name) === key);
      if (theirs.every((record) => this.#options.isOurs(record))) continue;
      if (comesLater(theirs, ours)) {
        this.#probeAfter(deferFor);
        return;
      }
    }
  }

  #heard({ answers, additionals }: DnsMessage): void {
    const names = new Set(this.#records.names.map(nameKey));
    const isConflict = (record: ResourceRecord): boolean =>
      record.ttlSeconds > 0 &&
      names.has(nameKey(record.name)) &&
      record.type !== recordType.NSEC &&
      (this.#state === 'probing' ||
        this.#records.unique.some(
          ({ name, type }) => type === record.type && nameKey(name) === nameKey(record.name),
        )) &&
      !this.#records.unique.some((own) => sameRecord(own, record)) &&
      !this.#options.isOurs(record);
    if (!answers.some(isConflict) && !additionals.some(isConflict)) return;
    this.#countConflict();
    // RFC 6762 §9: who has announced probes for its name once more; who probes takes another.
    if (this.#state === 'probing') {
      this.#attempt++;
      this.#name();
    }
    this.#probeAfter(this.#mustPause ? conflictPause : this.#between([0, probeEvery]));
  }

  /** RFC 6762 §8.1: within any ten seconds. */
  #countConflict(): void {
    const now = this.#options.scheduler.now();
    this.#conflictsAt.push(now);
    if (this.#conflictsAt.length < maxConflicts) return;
    const [first = now] = this.#conflictsAt.splice(0, this.#conflictsAt.length - maxConflicts + 1);
    if (now - first <= conflictPeriod) this.#mustPause = true;
  }

  #multicast(answers: readonly ResourceRecord[], additionals: readonly ResourceRecord[]): void {
    this.#sent.were(answers);
    this.#options.multicast(encodeDnsMessage({ ...emptyMessage, response: true, answers, additionals }));
  }

  #between([least, most]: readonly [number, number]): Milliseconds {
    return milliseconds(least + this.#options.uniform() * (most - least));
  }
}
