/** Gateway processes that end without having been told to. What made them end is in the log. */
import { FuncoapError } from '../core/error.ts';

export class ProcessError extends FuncoapError {
  readonly family = 'internal';
}
