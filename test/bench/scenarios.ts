/**
 * What is measured: one request each, with the answer that every server has to give to it.
 * The payloads are CBOR: 82 0a 14 is [10, 20], 18 1e is 30, 1a and four bytes is a 32-bit integer.
 */

export type ServerName = 'limit' | 'funcoap' | 'npm-coap' | 'libcoap';

/** Stands for four bytes that differ in every request. */
export const counter = '@@@@@@@@';

export interface Request {
  readonly method: 'GET' | 'FETCH';
  readonly path: string;
  readonly query?: string;
  readonly confirmable: boolean;
  /** Hexadecimal, with a Content-Format of 60. */
  readonly payload?: string;
  /** Carries the ETag of the answer to the same request without one. */
  readonly revalidates?: boolean;
}

export interface Answer {
  readonly code: string;
  /** Hexadecimal; undefined where it is not checked. */
  readonly payload: string | undefined;
  /** The counter in the answer is the request's plus this. */
  readonly addition?: number;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly request: Request;
  readonly answer: Answer;
  readonly servers: readonly ServerName[];
}

const path = 'func/bench/add';
const sum: Answer = { code: '2.05', payload: '181e' };
const everybody: readonly ServerName[] = ['limit', 'funcoap', 'npm-coap', 'libcoap'];

export const scenarios: readonly Scenario[] = [
  {
    name: 'fetch-hit',
    title: 'FETCH, result in the cache',
    request: { method: 'FETCH', path, confirmable: true, payload: '820a14' },
    answer: sum,
    servers: ['limit', 'funcoap', 'npm-coap'],
  },
  {
    name: 'get-hit',
    title: 'GET, result in the cache',
    request: { method: 'GET', path, query: 'a=10&b=20', confirmable: true },
    answer: sum,
    servers: everybody,
  },
  {
    name: 'valid',
    title: 'FETCH with the current ETag: 2.03',
    request: { method: 'FETCH', path, confirmable: true, payload: '820a14', revalidates: true },
    answer: { code: '2.03', payload: '' },
    servers: ['limit', 'funcoap', 'npm-coap'],
  },
  {
    name: 'non',
    title: 'GET as NON, result in the cache',
    request: { method: 'GET', path, query: 'a=10&b=20', confirmable: false },
    answer: sum,
    servers: everybody,
  },
  {
    name: 'fetch-miss',
    title: 'FETCH, other arguments every time',
    request: { method: 'FETCH', path, confirmable: true, payload: `821a${counter}01` },
    answer: { code: '2.05', payload: `1a${counter}`, addition: 1 },
    servers: ['funcoap', 'npm-coap'],
  },
];

/**
 * libcoap's own server has no functions: its resource at `/` answers a GET with a constant text.
 * That is the nearest thing to a cache hit that it can be asked for.
 */
export function requestTo(server: ServerName, scenario: Scenario): Request {
  if (server !== 'libcoap') return scenario.request;
  const { query: _, ...request } = scenario.request;
  return { ...request, path: '' };
}

export const answerOf = (server: ServerName, scenario: Scenario): Answer =>
  server === 'libcoap' ? { ...scenario.answer, payload: undefined } : scenario.answer;
