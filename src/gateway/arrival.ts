/**
 * A request on its way through the front, and what is told of it in the end. Both are made for every request: they hold
 * what is at hand, and put together only what somebody asks for.
 */
import { dotted, method, responseCode } from '../coap/codec/codes.ts';
import type { Request } from '../coap/request.ts';
import type { CacheState, RequestAnswered } from '../core/channels.ts';
import type { Instant } from '../core/duration.ts';
import { anonymous } from '../core/principal.ts';
import type { Caller } from '../functions/call.ts';
import type { Access } from './access-rules.ts';
import type { Answer, Visit } from './resource.ts';

/** What follows from the terms of a request alone. */
export interface Route {
  readonly path: readonly string[];
  readonly query: readonly string[];
  readonly target: string;
  note: unknown;
}

export class Arrival implements Visit {
  readonly request: Request;
  readonly access: Access;
  readonly now: Instant;
  readonly #route: Route;
  readonly #number: number;

  /** `number`: different for each request of a process. */
  constructor(request: Request, route: Route, access: Access, number: number, now: Instant) {
    this.request = request;
    this.access = access;
    this.now = now;
    this.#route = route;
    this.#number = number;
  }

  get path(): readonly string[] {
    return this.#route.path;
  }

  get query(): readonly string[] {
    return this.#route.query;
  }

  get target(): string {
    return this.#route.target;
  }

  get note(): unknown {
    return this.request.wording.note;
  }

  set note(note: unknown) {
    this.request.wording.note = note;
  }

  get termsNote(): unknown {
    return this.#route.note;
  }

  set termsNote(note: unknown) {
    this.#route.note = note;
  }

  get caller(): Caller {
    const { endpoint, name } = this.request.peer;
    const { name: identity, groups, enrolled } = endpoint.principal ?? anonymous;
    return { identity, groups, enrolled, peer: name };
  }

  get correlationId(): string {
    return correlationText(this.#number);
  }
}

export class Outcome implements RequestAnswered {
  readonly problem: string | undefined;
  readonly bytesOut: number;
  readonly totalMs: number;
  readonly #visit: Visit;
  readonly #answer: Answer;

  constructor(visit: Visit, answer: Answer, problem: string | undefined, bytesOut: number, now: Instant) {
    this.#visit = visit;
    this.#answer = answer;
    this.problem = problem;
    this.bytesOut = bytesOut;
    this.totalMs = now - visit.now;
  }

  get peer(): string {
    return this.#visit.request.peer.name;
  }

  get identity(): string {
    return this.#visit.caller.identity;
  }

  get method(): string {
    return methodText(this.#visit.request.code);
  }

  get target(): string {
    return this.#visit.target;
  }

  get calls(): readonly string[] | undefined {
    return this.#answer.calls;
  }

  get code(): string {
    return dotted(this.#answer.response.code);
  }

  get bytesIn(): number {
    return this.#visit.request.exchange.bytesIn;
  }

  get cache(): CacheState {
    return this.#answer.cache ?? 'none';
  }

  get revalidated(): boolean {
    return this.#answer.response.code === responseCode.valid;
  }

  get queuedMs(): number {
    return this.#answer.queued ?? 0;
  }

  get ranMs(): number {
    return this.#answer.ran ?? 0;
  }

  get correlationId(): string {
    return this.#visit.correlationId;
  }
}

export const correlationText = (number: number): string => number.toString(36);

const methodNames: ReadonlyMap<number, string> = new Map(Object.entries(method).map(([name, code]) => [code, name]));

export const methodText = (code: number): string => methodNames.get(code) ?? dotted(code);
