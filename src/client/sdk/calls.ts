/**
 * One call, from its arguments to its result: described, checked here, answered from what is kept where that is still good,
 * asked, tried again, and once more with a new description where the gateway says that the old one is wrong.
 */
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import type { Scheduler } from '../../core/clock.ts';
import { milliseconds, until, type Instant } from '../../core/duration.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import type { ProblemName } from '../../functions/call-error.ts';
import { problemOf } from '../answer-problem.ts';
import { bodyOf, type Argument } from './arguments.ts';
import type { CallOptions } from './call-options.ts';
import { Catalogue, type Look } from './catalogue.ts';
import type { Door, DoorAnswer } from './door.ts';
import { ArgumentError, notAGateway, RemoteError, streamNotOnce } from './errors.ts';
import { ToldCall, type Hooks } from './hooks.ts';
import { KeptAnswers, type KeptAnswersOptions } from './kept-answers.ts';
import { askWithRetries, deadlineOf, type Question } from './retries.ts';
import type { Target } from './target.ts';

/** The gateway refuses what this side found right: its functions have changed. Nothing has run. */
export const outOfDate: ReadonlySet<string | undefined> = new Set<ProblemName>([
  // It is a stream now, or is none any more.
  'not-acceptable',
  'no-such-library',
  'no-such-method',
  'not-callable',
  'not-safe',
  'missing-argument',
  'unexpected-argument',
  'too-many-arguments',
  'wrong-type',
]);

/** A call that went well, and what was called. */
export interface Answered {
  readonly fn: DescribedFunction;
  readonly answer: DoorAnswer;
}

export class Calls {
  readonly catalogue: Catalogue;
  readonly door: Door;
  readonly scheduler: Scheduler;
  readonly #kept: KeptAnswers;

  readonly #hooks: Partial<Hooks>;

  constructor(
    door: Door,
    scheduler: Scheduler,
    kept: KeptAnswersOptions,
    catalogueOptions: CallOptions,
    hooks: Partial<Hooks>,
  ) {
    this.door = door;
    this.#hooks = hooks;
    this.scheduler = scheduler;
    this.#kept = new KeptAnswers(kept);
    const look: Look = async (question) => {
      const deadline = deadlineOf(catalogueOptions, scheduler.now());
      return await askWithRetries(door, question, catalogueOptions, deadline, scheduler);
    };
    this.catalogue = new Catalogue(look, scheduler, door.origin, (library) => this.#kept.forget(`func/${library}/`));
  }

  /**
   * Undefined where no answer is wanted.
   * @throws ArgumentError before anything is sent; RemoteError where the gateway answers 4.xx or 5.xx; RequestError where it does not answer
   */
  async call(target: Target, args: readonly Argument[], options: CallOptions): Promise<Answered | undefined> {
    return await this.told(target.name, args, async () => await this.#call(target, args, options, []));
  }

  /** The id of the job that it becomes. @throws as `call` does; PeerError 'not-a-gateway' */
  async submit(target: Target, args: readonly Argument[], options: CallOptions): Promise<string> {
    const answered = { ...options, oneway: false };
    const made = async (): Promise<Answered | undefined> => await this.#call(target, args, answered, ['_job']);
    return this.madeId(await this.told(target.name, args, made), 'j');
  }

  /** The application is told that a call begins. */
  begin(target: string, args: readonly Argument[]): ToldCall {
    return new ToldCall(this.#hooks, this.scheduler, target, args);
  }

  /** Makes a call that the application is told of. */
  async told<T>(target: string, args: readonly Argument[], make: () => Promise<T>): Promise<T> {
    const call = this.begin(target, args);
    let made: T;
    try {
      made = await make();
    } catch (error) {
      call.failed(error);
      throw error;
    }
    call.answered();
    return made;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.door.close();
    this.#hooks.onClose?.();
  }

  /** Of what was made of a call. @throws PeerError 'not-a-gateway' */
  madeId(answered: Answered | undefined, wanted: string): string {
    const [root, id] = answered?.answer.location ?? [];
    if (root !== wanted || id === undefined) throw notAGateway(this.door.origin);
    return id;
  }

  /** One question that is no call of a function. @throws RemoteError, RequestError */
  async ask(question: Omit<Question, 'etag'>, options: CallOptions): Promise<DoorAnswer> {
    const deadline = deadlineOf(options, this.scheduler.now());
    const asked = { ...question, etag: undefined, query: [...question.query, '_why'] };
    const answer = await askWithRetries(this.door, asked, options, deadline, this.scheduler);
    if (codeClass(answer.code) !== 2) throw new RemoteError(question.path.join('/'), answer);
    return answer;
  }

  /** @param words what is asked of the gateway besides the call */
  async #call(
    target: Target,
    args: readonly Argument[],
    options: CallOptions,
    words: readonly string[],
  ): Promise<Answered | undefined> {
    const deadline = deadlineOf(options, this.scheduler.now());
    for (let tried = 0; ; tried++) {
      const { fn, payload } = await this.checked(target, args);
      if (fn.stream === true) throw streamNotOnce(fn, 'a job');
      const question: Question = {
        method: fn.safe && words.length === 0 ? 'FETCH' : 'POST',
        path: target.path,
        query: [...words, '_why'],
        payload,
        etag: undefined,
      };
      if (options.oneway) {
        const left = milliseconds(Math.max(1, until(deadline, this.scheduler.now())));
        await this.door.tell({ ...question, method: 'POST', timeout: left, signal: options.signal });
        return undefined;
      }
      const answer = await this.#ask(question, options, deadline);
      if (codeClass(answer.code) === 2) return { fn, answer };
      const error = new RemoteError(target.name, answer, fn.parameters);
      if (tried > 0 || !outOfDate.has(problemOf(answer)?.name) || !(await this.hasChanged(target, fn))) throw error;
    }
  }

  /** Asks for the description anew: whether it is another than this one. */
  async hasChanged(target: Target, fn: DescribedFunction): Promise<boolean> {
    target.forget();
    return !isSameFunction(await target.describe(), fn);
  }

  /** Also where a description is old, this side refuses only what the gateway refuses now. @throws ArgumentError */
  async checked(
    target: Target,
    args: readonly Argument[],
  ): Promise<{ readonly fn: DescribedFunction; readonly payload: Uint8Array | undefined }> {
    const fn = await target.describe();
    try {
      return { fn, payload: bodyOf(fn, args) };
    } catch (error) {
      const newer = error instanceof ArgumentError ? await target.newer() : undefined;
      if (newer === undefined) throw error;
      return { fn: newer, payload: bodyOf(newer, args) };
    }
  }

  async #ask(question: Question, options: CallOptions, deadline: Instant): Promise<DoorAnswer> {
    const { door, scheduler } = this;
    if (question.method === 'POST') return await askWithRetries(door, question, options, deadline, scheduler);
    const key = KeptAnswers.keyOf(question);
    const fresh = options.fresh ? undefined : this.#kept.fresh(key, scheduler.now());
    if (fresh !== undefined) return fresh;
    const asked = { ...question, etag: this.#kept.etagOf(key) };
    const answer = await askWithRetries(door, asked, options, deadline, scheduler);
    if (answer.code === responseCode.valid) {
      // Gone meanwhile, to make room: asked for again, without an ETag.
      const kept = this.#kept.confirm(key, answer, scheduler.now());
      return kept ?? (await askWithRetries(door, question, options, deadline, scheduler));
    }
    if (codeClass(answer.code) === 2) this.#kept.keep(key, answer, scheduler.now());
    return answer;
  }
}

/** What is not the same object came over the network twice. */
const isSameFunction = (a: DescribedFunction, b: DescribedFunction): boolean =>
  JSON.stringify(a, asText) === JSON.stringify(b, asText);

const asText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
