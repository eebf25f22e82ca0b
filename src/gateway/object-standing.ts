/** Classes of which a caller has one object at most (`@instance`, docs/objects.md): what that is known by. */
import { anonymous } from '../core/principal.ts';
import { holderOf, type Caller } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';

/** Who shares what is made of a class: nobody, each identity with itself, and of those who have none each peer. */
export function standingOf({ library, method, instance }: FunctionDescription, caller: Caller): string | undefined {
  if (instance !== 'single' && instance !== 'session') return undefined;
  const who = caller.identity === anonymous.name ? `peer ${caller.peer}` : `identity ${holderOf(caller)}`;
  return `${library}/${method} ${who}`;
}
