/**
 * DNS messages as multicast DNS uses them (RFC 1035 §4.1, RFC 6762 §18). Names are lists of labels, because a service's
 * own label may have dots in it (RFC 6763 §4.3). Record data is kept as bytes with its names spelled out, which is the form that
 * probes are compared in (RFC 6762 §8.2).
 *
 *     | id 16 | flags 16 | questions 16 | answers 16 | authorities 16 | additionals 16 | …sections
 *
 * Left out: every class but IN; compression inside of record data that is sent.
 */
import { concatBytes, equalBytes, textOf, utf8 } from '../../core/bytes.ts';

export type Name = readonly string[];

/** RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 2782, RFC 4034 §4, RFC 1035 §3.2.3 */
export const recordType = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, NSEC: 47, ANY: 255 } as const;

export interface Question {
  readonly name: Name;
  readonly type: number;
  /** The answer may go to the asker alone (RFC 6762 §5.4). */
  readonly unicast: boolean;
}

export interface ResourceRecord {
  readonly name: Name;
  readonly type: number;
  /** The asker forgets other records of this name and type (RFC 6762 §10.2). */
  readonly flush: boolean;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

export interface DnsMessage {
  /** 0 but in answers to simple resolvers (RFC 6762 §18.1). */
  readonly id: number;
  readonly response: boolean;
  /** More known answers follow (RFC 6762 §7.2). */
  readonly truncated: boolean;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

/** With nothing in it, for what is in one to be put into. */
export const emptyMessage: DnsMessage = {
  id: 0,
  response: false,
  truncated: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

const headerBytes = 12;
const classIn = 1;
const classAny = 255;
/** Of a question: unicast; of a record: flush. */
const topBit = 0x8000;
const flags = { response: 0x8000, opcode: 0x7800, authoritative: 0x0400, truncated: 0x0200, rcode: 0x000f } as const;
/** RFC 6762 §17 */
const maxMessageBytes = 9000;
/** RFC 1035 §2.3.4 */
const maxNameBytes = 255;
const maxLabelBytes = 63;
/** Each costs a look at all records of a responder. No RFC's number. */
const maxQuestions = 128;
/** More than a name has labels, so that a chain of pointers is no work. */
const maxPointers = 128;

/** Letters are compared without their case (RFC 6762 §16: those of ASCII only). */
export const nameKey = (name: Name): string =>
  name
    .map((label) =>
      label
        .replaceAll('\\', '\\\\')
        .replaceAll('.', '\\.')
        .replace(/[A-Z]+/g, (s) => s.toLowerCase()),
    )
    .join('.');

export const sameRecord = (one: ResourceRecord, other: ResourceRecord): boolean =>
  one.type === other.type && equalBytes(one.data, other.data) && nameKey(one.name) === nameKey(other.name);

/** A name without compression. */
export function nameBytes(name: Name): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const label of name) {
    const text = utf8(label);
    parts.push(Uint8Array.of(text.length), text);
  }
  return concatBytes([...parts, Uint8Array.of(0)]);
}

/** A label that fits, cut between characters where it is too long. */
export function labelOf(text: string, reservedBytes = 0): string {
  let label = text;
  while (utf8(label).length > maxLabelBytes - reservedBytes) label = Array.from(label).slice(0, -1).join('');
  return label;
}

export function encodeDnsMessage(message: DnsMessage): Uint8Array {
  const bytes = new Uint8Array(maxMessageBytes);
  const view = new DataView(bytes.buffer);
  const known = new Map<string, number>();
  let at = 0;
  const word = (value: number): void => {
    view.setUint16(at, value);
    at += 2;
  };
  /** RFC 1035 §4.1.4: what was written before is pointed to. */
  const owner = (name: Name): void => {
    for (let from = 0; from < name.length; from++) {
      const rest = nameKey(name.slice(from));
      const before = known.get(rest);
      if (before !== undefined) return word(0xc000 | before);
      known.set(rest, at);
      const label = utf8(name[from] ?? '');
      bytes[at++] = label.length;
      bytes.set(label, at);
      at += label.length;
    }
    bytes[at++] = 0;
  };
  const record = ({ name, type, flush, ttlSeconds, data }: ResourceRecord): void => {
    owner(name);
    word(type);
    word(flush ? classIn | topBit : classIn);
    view.setUint32(at, ttlSeconds);
    at += 4;
    word(data.length);
    bytes.set(data, at);
    at += data.length;
  };
  word(message.id);
  // RFC 6762 §18.4
  word((message.response ? flags.response | flags.authoritative : 0) | (message.truncated ? flags.truncated : 0));
  word(message.questions.length);
  word(message.answers.length);
  word(message.authorities.length);
  word(message.additionals.length);
  for (const { name, type, unicast } of message.questions) {
    owner(name);
    word(type);
    word(unicast ? classIn | topBit : classIn);
  }
  for (const one of message.answers) record(one);
  for (const one of message.authorities) record(one);
  for (const one of message.additionals) record(one);
  return bytes.slice(0, at);
}

/** Undefined for what is no such message, asks too much, or is of an operation that multicast DNS has not. */
export function decodeDnsMessage(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < headerBytes || bytes.length > maxMessageBytes) return undefined;
  const reader = new Reader(bytes);
  const id = reader.word();
  const bits = reader.word();
  // RFC 6762 §18.3, §18.11
  if ((bits & (flags.opcode | flags.rcode)) !== 0) return undefined;
  const counts = [reader.word(), reader.word(), reader.word(), reader.word()] as const;
  if (counts[0] > maxQuestions) return undefined;
  const questions = reader.many(counts[0], () => reader.question());
  const answers = reader.many(counts[1], () => reader.record());
  const authorities = reader.many(counts[2], () => reader.record());
  const additionals = reader.many(counts[3], () => reader.record());
  if (reader.failed) return undefined;
  const response = (bits & flags.response) !== 0;
  return { id, response, truncated: (bits & flags.truncated) !== 0, questions, answers, authorities, additionals };
}

/** Reads on, and remembers whether it ever read past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  word(): number {
    return this.#take(2) ? this.#view.getUint16(this.#at - 2) : 0;
  }

  /** Items of other classes are left out. */
  many<T>(count: number, read: () => T | undefined): T[] {
    const items: T[] = [];
    for (let i = 0; i < count && !this.failed; i++) {
      const item = read();
      if (item !== undefined && !this.failed) items.push(item);
    }
    return items;
  }

  question(): Question | undefined {
    const name = this.name(this.#bytes.length);
    const type = this.word();
    const bits = this.word();
    const ofInternet = (bits & ~topBit) === classIn || (bits & ~topBit) === classAny;
    return ofInternet ? { name, type, unicast: (bits & topBit) !== 0 } : undefined;
  }

  record(): ResourceRecord | undefined {
    const name = this.name(this.#bytes.length);
    const type = this.word();
    const bits = this.word();
    const ttlSeconds = this.#take(4) ? this.#view.getUint32(this.#at - 4) : 0;
    const length = this.word();
    const start = this.#at;
    if (!this.#take(length)) return undefined;
    const data = this.#data(type, start, start + length);
    this.#at = start + length;
    if ((bits & ~topBit) !== classIn) return undefined;
    return { name, type, flush: (bits & topBit) !== 0, ttlSeconds, data };
  }

  /** RFC 1035 §4.1.4. A pointer goes backwards only, so that reading ends. */
  name(end: number): Name {
    const labels: string[] = [];
    let at = this.#at;
    let after: number | undefined;
    let barrier = at;
    let size = 0;
    let pointers = 0;
    for (;;) {
      const length = at < end ? (this.#bytes[at] ?? 0) : -1;
      if (length === 0) break;
      if (length >= 0xc0 && at + 1 < end) {
        after ??= at + 2;
        const target = this.#view.getUint16(at) & 0x3fff;
        if (target >= barrier || ++pointers > maxPointers) return this.#fail();
        barrier = target;
        at = target;
        continue;
      }
      size += length + 1;
      if (length < 0 || length > maxLabelBytes || at + 1 + length > end || size >= maxNameBytes) return this.#fail();
      const label = textOf(this.#bytes.subarray(at + 1, at + 1 + length));
      if (label === undefined) return this.#fail();
      labels.push(label);
      at += 1 + length;
    }
    this.#at = after ?? at + 1;
    return labels;
  }

  /** RFC 6762 §18.14: names in these are compressed by others. */
  #data(type: number, start: number, end: number): Uint8Array {
    const fixed = type === recordType.PTR || type === recordType.NSEC ? 0 : type === recordType.SRV ? 6 : undefined;
    if (fixed === undefined) return this.#bytes.slice(start, end);
    if (start + fixed > end) {
      this.#fail();
      return new Uint8Array(0);
    }
    this.#at = start + fixed;
    const name = this.name(end);
    return concatBytes([
      this.#bytes.subarray(start, start + fixed),
      nameBytes(name),
      this.#bytes.subarray(this.#at, end),
    ]);
  }

  #take(length: number): boolean {
    this.#at += length;
    if (this.#at > this.#bytes.length) this.failed = true;
    return !this.failed;
  }

  #fail(): Name {
    this.failed = true;
    return [];
  }
}
