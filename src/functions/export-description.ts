/** What a version of a library offers, before the lock file has given out ids. */
import type { FunctionDescription, ParameterDescription } from './description.ts';

export type ParameterShape = Omit<ParameterDescription, 'id'>;

export interface ExportDescription extends Omit<
  FunctionDescription,
  'library' | 'libraryId' | 'id' | 'version' | 'parameters' | 'classes'
> {
  readonly parameters: readonly ParameterShape[];
}
