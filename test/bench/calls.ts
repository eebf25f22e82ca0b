/**
 * What servers are asked, and the answer that each has to give.
 * The payloads are CBOR: 82 0a 14 is [10, 20], 18 1e is 30, 1a and four bytes is a 32-bit integer.
 */

/** Stands for four bytes that differ from request to request. */
export const counter = '@@@@@@@@';
/** At the end of a path segment: the number of the request in its set, five digits. */
export const digits = '#####';
/** The first counter of a set that requests are drawn from (generator/load.c). */
export const setStart = 65_536;

export interface Call {
  readonly method: 'GET' | 'FETCH';
  readonly path: string;
  readonly query?: string;
  readonly confirmable: boolean;
  /** Hexadecimal, with a Content-Format of 60. */
  readonly payload?: string;
  /** Carries the ETag of the answer to the same request without one. */
  readonly revalidates?: boolean;
  readonly code: '2.05' | '2.03';
  /** Hexadecimal; undefined where it is not checked. */
  readonly answer: string | undefined;
  /** The counter in the answer is the request's plus this. */
  readonly addition?: number;
  /** The same over HTTP: bodies of a POST and of its answer. */
  readonly json?: { readonly request: string; readonly answer: string };
}

const sum = { code: '2.05', answer: '181e' } as const;

export const fetchSum: Call = {
  method: 'FETCH',
  path: 'func/bench/add',
  confirmable: true,
  payload: '820a14',
  json: { request: '[10,20]', answer: '30' },
  ...sum,
};

export const getSum: Call = {
  method: 'GET',
  path: 'func/bench/add',
  query: 'a=10&b=20',
  confirmable: true,
  ...sum,
};

export const nonSum: Call = { ...fetchSum, confirmable: false };

export const validSum: Call = { ...fetchSum, revalidates: true, code: '2.03', answer: '' };

/** Arguments from the counter; `path` says where the function runs. */
const countedSum = (path: string): Call => ({
  method: 'FETCH',
  path,
  confirmable: true,
  payload: `821a${counter}01`,
  code: '2.05',
  answer: `1a${counter}`,
  addition: 1,
});

export const workerSum: Call = countedSum('func/bench/add');
export const inlineSum: Call = countedSum('func/bench/plus');

/** One of ten thousand functions: each is the sum of its two arguments. */
export const oneOfMany: Call = { ...fetchSum, path: `func/many/f${digits}` };

/** A head of CBOR (RFC 8949 §3) for lengths from 24 up to 65535. */
const head = (major: number, value: number): string => {
  const short = value < 256;
  const first = (major << 5) | (short ? 24 : 25);
  return first.toString(16).padStart(2, '0') + value.toString(16).padStart(short ? 2 : 4, '0');
};

/** A result of `size` bytes with the head of its text, from 64 on. */
export function textOf(size: number): Call {
  const letters = size - (size <= 257 ? 2 : 3);
  return {
    method: 'FETCH',
    path: 'func/bench/text',
    confirmable: true,
    payload: head(0, letters),
    code: '2.05',
    answer: head(3, letters) + '78'.repeat(letters),
  };
}
