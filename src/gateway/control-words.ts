/** Items of Uri-Query that steer a call and are no arguments: they begin with `_`, or with `c.`. */
import { seconds, type Milliseconds } from '../core/duration.ts';
import { CallError } from '../functions/call-error.ts';
import type { FunctionDescription } from '../functions/description.ts';

export interface ControlWords {
  /** `_describe`, `_describe=schema`, `_describe=cddl` */
  readonly describe: 'description' | 'schema' | 'cddl' | undefined;
  /** `_job`: the result is fetched later. */
  readonly job: boolean;
  readonly stream: StreamWords;
  readonly watch: WatchWords;
  /** The items that are arguments. */
  readonly argumentItems: readonly string[];
}

/** Of a stream. */
export interface StreamWords {
  /** `_from=5`: the index of the first item wanted. */
  readonly from: number | undefined;
  /** `_n=10`: how many items at most. */
  readonly count: number | undefined;
  /** `_run=9f3a21bc`: only of this run of the function, by the ETag that its opening answer had. */
  readonly run: string | undefined;
}

/** Of an observation of a pure function (draft-ietf-core-conditional-attributes). */
export interface WatchWords {
  /** `c.pmin=10`: seconds that pass between two notifications at least. */
  readonly pmin: Milliseconds | undefined;
  /** `c.pmax=600`: seconds after which one is sent even if nothing has changed. */
  readonly pmax: Milliseconds | undefined;
}

const describeForms = { '_describe': 'description', '_describe=schema': 'schema', '_describe=cddl': 'cddl' } as const;

/** `_w=5`: the results of the first and the third call of a batch are wanted. @throws CallError `unknown-query` */
export function readWanted(query: readonly string[]): number {
  let wanted = -1;
  for (const item of query) {
    if (item === '_why') continue;
    const mask = /^_w=(\d{1,5})$/.exec(item)?.[1];
    if (mask === undefined || Number(mask) > 0xffff || wanted !== -1) {
      throw new CallError(
        'unknown-query',
        `\`${item}\` means nothing here; a batch has _w, once: a number whose bit n says that the result of call n is wanted.`,
      );
    }
    wanted = Number(mask);
  }
  return wanted;
}
const none: { readonly stream: StreamWords; readonly watch: WatchWords } = {
  stream: { from: undefined, count: undefined, run: undefined },
  watch: { pmin: undefined, pmax: undefined },
};

export function readControlWords(query: readonly string[]): ControlWords {
  let describe: ControlWords['describe'];
  let job = false;
  let { stream, watch } = none;
  const argumentItems: string[] = [];
  for (const item of query) {
    if (item.startsWith('c.pmin=')) watch = { ...watch, pmin: period(item) };
    else if (item.startsWith('c.pmax=')) watch = { ...watch, pmax: period(item) };
    else if (!item.startsWith('_')) argumentItems.push(item);
    else if (Object.hasOwn(describeForms, item)) describe = describeForms[item as keyof typeof describeForms];
    else if (item === '_job') job = true;
    else if (item.startsWith('_from=')) stream = { ...stream, from: whole(item) };
    else if (item.startsWith('_n=')) stream = { ...stream, count: whole(item) };
    else if (item.startsWith('_run=')) stream = { ...stream, run: runName(item) };
    else if (item !== '_why') {
      throw new CallError(
        'unknown-query',
        `\`${item}\` is no control word; there are _describe, _describe=schema, _describe=cddl, _job, _why, and for streams _from, _n and _run.`,
      );
    }
  }
  const { pmin, pmax } = watch;
  if (pmin !== undefined && pmax !== undefined && pmin > pmax)
    throw new CallError('unknown-query', '`c.pmin` is above `c.pmax`: nothing could be told in time.');
  return { describe, job, stream, watch, argumentItems };
}

/** @throws CallError 'unknown-query' where a word says something of a stream, and the function is none */
export function checkStreamWords({ from, count, run }: StreamWords, fn: FunctionDescription): void {
  if (fn.stream === true || (from ?? count ?? run) === undefined) return;
  throw new CallError('unknown-query', `_from, _n and _run are for streams, and ${fn.library}/${fn.method} is none.`);
}

function whole(item: string): number {
  const text = valueOf(item);
  if (!/^\d{1,15}$/.test(text)) throw new CallError('unknown-query', `\`${item}\` needs a whole number.`);
  return Number(text);
}

function runName(item: string): string {
  const text = valueOf(item);
  if (!/^[\da-f]{8}$/.test(text))
    throw new CallError('unknown-query', `\`${item}\` needs the ETag of a stream, in hex.`);
  return text;
}

function period(item: string): Milliseconds {
  const text = valueOf(item);
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(text))
    throw new CallError('unknown-query', `\`${item}\` needs a number of seconds.`);
  return seconds(Number(text));
}

const valueOf = (item: string): string => item.slice(item.indexOf('=') + 1);
