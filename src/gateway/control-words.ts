/** Items of Uri-Query that steer a call and are no arguments: they begin with `_`. */
import { CallError } from '../functions/call-error.ts';

export interface ControlWords {
  /** `_describe`, `_describe=schema`, `_describe=cddl` */
  readonly describe: 'description' | 'schema' | 'cddl' | undefined;
  /** The items that are arguments. */
  readonly argumentItems: readonly string[];
}

const describeForms = { '_describe': 'description', '_describe=schema': 'schema', '_describe=cddl': 'cddl' } as const;

export function readControlWords(query: readonly string[]): ControlWords {
  let describe: ControlWords['describe'];
  const argumentItems: string[] = [];
  for (const item of query) {
    if (item.startsWith('c.pmin=') || item.startsWith('c.pmax=')) continue; // they steer observations
    if (!item.startsWith('_')) argumentItems.push(item);
    else if (Object.hasOwn(describeForms, item)) describe = describeForms[item as keyof typeof describeForms];
    else if (item !== '_why') {
      throw new CallError(
        'unknown-query',
        `\`${item}\` is no control word; there are _describe, _describe=schema, _describe=cddl and _why.`,
      );
    }
  }
  return { describe, argumentItems };
}
