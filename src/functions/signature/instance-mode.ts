/** `@instance single`, `session` or `percall` of a class: whose its instances are. */
import { UsageError } from '../../core/error.ts';
import type { DeclaredParameter } from './declared-export.ts';
import type { Doc } from './jsdoc.ts';
import type { InstanceMode } from '../description.ts';

const modes: readonly InstanceMode[] = ['single', 'session', 'percall'];

/** @param parameters of the constructor @param notMade why nobody makes objects @throws UsageError `library-tag` */
export function instanceModeOf(
  { instance }: Doc,
  parameters: readonly DeclaredParameter[],
  notMade: string | undefined,
  where: string,
): InstanceMode | undefined {
  if (instance === undefined) return undefined;
  if (notMade !== undefined)
    throw new UsageError(
      'library-tag',
      `${where}: @instance is about objects that callers make, and none is made of this class: ${notMade.split(';', 1).join('')}; remove @instance.`,
    );
  const mode = modes.find((one) => one === instance);
  if (mode === undefined)
    throw new UsageError(
      'library-tag',
      `${where}: @instance needs to know whose the instances are; write @instance single, session or percall.`,
    );
  const needed = parameters.find(({ required }) => required);
  if (mode === 'single' && needed !== undefined)
    throw new UsageError(
      'library-tag',
      `${where}: there is one for all callers, so its constructor cannot need ${needed.name}; give that a default, or write another @instance.`,
    );
  return mode;
}
