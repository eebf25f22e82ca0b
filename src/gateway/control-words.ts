/** Items of Uri-Query that steer a call and are no arguments: they begin with `_`. */
import { CallError } from '../functions/call-error.ts';

export interface ControlWords {
  /** `_describe`, `_describe=schema`, `_describe=cddl` */
  readonly describe: 'description' | 'schema' | 'cddl' | undefined;
  /** `_job`: the result is fetched later. */
  readonly job: boolean;
  /** The items that are arguments. */
  readonly argumentItems: readonly string[];
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

export function readControlWords(query: readonly string[]): ControlWords {
  let describe: ControlWords['describe'];
  let job = false;
  const argumentItems: string[] = [];
  for (const item of query) {
    if (item.startsWith('c.pmin=') || item.startsWith('c.pmax=')) continue; // they steer observations
    if (!item.startsWith('_')) argumentItems.push(item);
    else if (Object.hasOwn(describeForms, item)) describe = describeForms[item as keyof typeof describeForms];
    else if (item === '_job') job = true;
    else if (item !== '_why') {
      throw new CallError(
        'unknown-query',
        `\`${item}\` is no control word; there are _describe, _describe=schema, _describe=cddl, _job and _why.`,
      );
    }
  }
  return { describe, job, argumentItems };
}
