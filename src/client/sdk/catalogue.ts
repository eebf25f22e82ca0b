/**
 * What a gateway offers, as far as it has been asked: the names of its libraries from the beginning, each function when it is used first.
 *
 * A description is good for its Max-Age, as any answer is (RFC 7252 §5.6.1); what it accepts later is sent all the same, since the gateway
 * checks, but before it refuses anything it is asked for again with its ETag. A name that is not known is looked for once more, unless that
 * was done a moment ago. When the list of libraries changes, what is known of those that changed is forgotten.
 */
import { decodeRepresentation } from '../../cbor/representation.ts';
import { isValueFormat } from '../../cbor/content-format.ts';
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import type { Clock } from '../../core/clock.ts';
import { after, milliseconds, type Instant } from '../../core/duration.ts';
import { GenerationalMap } from '../../core/generational-map.ts';
import { PeerError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import { readDirectory, readFunction, readLibrary, type LibrarySummary } from '../../directory/read-description.ts';
import { nearestName } from '../../functions/names.ts';
import { problemOf } from '../answer-problem.ts';
import type { DoorAnswer } from './door.ts';
import { ArgumentError, notAGateway, RemoteError } from './errors.ts';
import type { Question } from './retries.ts';

/** Asks the gateway for a description. */
export type Look = (question: Question) => Promise<DoorAnswer>;

interface Known<T> {
  readonly value: T;
  readonly etag: Uint8Array | undefined;
  readonly freshUntil: Instant;
}

/** A name that was looked for and not found is not there for this long. No RFC's number. */
const absentFor = milliseconds(1000);
/** A gateway may offer more; what was not used for long is asked for again. */
const maxFunctions = 10_000;
/** Names in a sentence. */
const maxNames = 12;

export class Catalogue {
  readonly #look: Look;
  readonly #clock: Clock;
  readonly #origin: string;
  readonly #onChange: (library: string) => void;
  readonly #functions = new GenerationalMap<string, Known<DescribedFunction>>({ maxEntries: maxFunctions });
  #libraries: Known<ReadonlyMap<string, LibrarySummary>> | undefined;
  readonly #underWay = new Map<string, Promise<DescribedFunction>>();
  #lookedAt: Instant | undefined;

  /** @param onChange what was known of this library may be out of date */
  constructor(look: Look, clock: Clock, origin: string, onChange: (library: string) => void) {
    this.#look = look;
    this.#clock = clock;
    this.#origin = origin;
    this.#onChange = onChange;
  }

  /** Names of libraries, those that do not load included. */
  get libraries(): readonly LibrarySummary[] {
    return [...(this.#libraries?.value.values() ?? [])];
  }

  /** Asks what libraries there are. @throws RemoteError, RequestError, PeerError `not-a-gateway` */
  async refresh(): Promise<void> {
    const answer = await this.#ask(['func'], [], this.#libraries?.etag);
    const now = this.#clock.now();
    this.#lookedAt = now;
    const known = this.#libraries;
    if (answer.code === responseCode.valid && known !== undefined) {
      this.#libraries = { ...known, freshUntil: after(now, answer.maxAge) };
      return;
    }
    const value = new Map(this.#read(answer, readDirectory).map((library) => [library.name, library]));
    this.#libraries = { value, etag: answer.etag, freshUntil: after(now, answer.maxAge) };
    for (const name of new Set([...(known?.value.keys() ?? []), ...value.keys()])) {
      if (known !== undefined && !isSame(known.value.get(name), value.get(name))) this.forget(name);
    }
  }

  /** What is known of a library is asked for again when it is needed. */
  forget(library: string): void {
    for (const [key] of this.#functions.entries()) if (key.startsWith(`${library}/`)) this.#functions.delete(key);
    for (const key of this.#underWay.keys()) if (key.startsWith(`${library}/`)) this.#underWay.delete(key);
    this.#onChange(library);
  }

  /**
   * @throws ArgumentError `no-such-library`, `no-such-method`, `not-callable`; RemoteError where the gateway refuses to tell
   */
  async describe(library: string, method: string): Promise<DescribedFunction> {
    return this.#functions.get(`${library}/${method}`)?.value ?? (await this.#describe(library, method));
  }

  /** The description as it is now, where the one that is known is old; undefined where it is not. */
  async newer(library: string, method: string): Promise<DescribedFunction | undefined> {
    const known = this.#functions.get(`${library}/${method}`);
    if (known !== undefined && this.#clock.now() < known.freshUntil) return undefined;
    const now = await this.#describe(library, method);
    return now === known?.value ? undefined : now;
  }

  /** Names of the functions and classes that can be called. */
  async functions(library: string): Promise<readonly string[]> {
    const answer = await this.#ask(['func', library], [], undefined);
    if (answer.code === responseCode.notFound) return [];
    return this.#read(answer, readLibrary).flatMap((fn) =>
      fn.notCallable === undefined || fn.class === true ? [fn.name] : [],
    );
  }

  /** Calls that begin together, as those of a batch do, ask once. */
  async #describe(library: string, method: string): Promise<DescribedFunction> {
    const key = `${library}/${method}`;
    const underWay =
      this.#underWay.get(key) ?? this.#askFor(library, method).finally(() => void this.#underWay.delete(key));
    this.#underWay.set(key, underWay);
    return await underWay;
  }

  async #askFor(library: string, method: string): Promise<DescribedFunction> {
    if (this.#libraries?.value.has(library) !== true) await this.#findLibrary(library);
    const key = `${library}/${method}`;
    const known = this.#functions.get(key);
    const answer = await this.#ask(['func', library, method], ['_describe', '_why'], known?.etag);
    const now = this.#clock.now();
    if (known !== undefined && answer.code === responseCode.valid) {
      this.#functions.set(key, { ...known, freshUntil: after(now, answer.maxAge) });
      return known.value;
    }
    if (answer.code === responseCode.notFound) throw await this.#notThere(library, method, answer);
    const value = this.#read(answer, readFunction);
    if (known !== undefined) this.#onChange(library);
    this.#functions.set(key, { value, etag: answer.etag, freshUntil: after(now, answer.maxAge) });
    return value;
  }

  async #findLibrary(library: string): Promise<void> {
    const now = this.#clock.now();
    if (this.#lookedAt === undefined || now >= after(this.#lookedAt, absentFor)) await this.refresh();
    if (this.#libraries?.value.has(library) !== true) throw this.#noLibrary(library);
  }

  #noLibrary(library: string): ArgumentError {
    const names = [...(this.#libraries?.value.keys() ?? [])];
    return new ArgumentError(
      'no-such-library',
      `There is no library ${library}; ${meant(library, names, 'there are')}`,
    );
  }

  async #notThere(library: string, method: string, answer: DoorAnswer): Promise<Error> {
    this.#functions.delete(`${library}/${method}`);
    const problem = problemOf(answer);
    if (problem?.name === 'no-such-library') {
      await this.refresh();
      return this.#noLibrary(library);
    }
    if (problem?.name === 'not-callable')
      return new ArgumentError('not-callable', problem.detail ?? `${library}/${method} cannot be called.`);
    if (problem?.name !== 'no-such-method') return new RemoteError(`${library}/${method}`, answer);
    const names = await this.functions(library);
    return new ArgumentError(
      'no-such-method',
      `${library} has no function ${method}; ${meant(method, names, 'it has')}`,
    );
  }

  async #ask(path: readonly string[], query: readonly string[], etag: Uint8Array | undefined): Promise<DoorAnswer> {
    return await this.#look({ method: 'GET', path, query, payload: undefined, etag });
  }

  #read<T>(answer: DoorAnswer, read: (value: Value) => T): T {
    const { code, contentFormat: format, payload } = answer;
    if (codeClass(code) !== 2) throw new RemoteError(this.#origin, answer);
    try {
      if (format !== undefined && isValueFormat(format)) return read(decodeRepresentation(payload, format));
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
    }
    throw notAGateway(this.#origin);
  }
}

function meant(name: string, names: readonly string[], there: string): string {
  const near = nearestName(name, names);
  if (near !== undefined) return `did you mean ${near}?`;
  if (names.length === 0) return `${there} none.`;
  return `${there} ${names.slice(0, maxNames).join(', ')}${names.length > maxNames ? ', …' : ''}.`;
}

const isSame = (a: LibrarySummary | undefined, b: LibrarySummary | undefined): boolean =>
  a?.id === b?.id && a?.title === b?.title && a?.functions === b?.functions && a?.error === b?.error;
