/** Paths of what belongs to the caller: `/j/{id}` of a job, `/o/{id}` of an object, as an application has kept them. */
import { UsageError } from '../../core/error.ts';

const words = { j: 'job', o: 'object' } as const;

/**
 * @param text a URI of that gateway, or its path
 * @throws UsageError 'bad-uri'
 */
export function idIn(text: string, origin: string, root: keyof typeof words): string {
  const path = text.startsWith(`${origin}/`) ? text.slice(origin.length) : text;
  const [, id] = /^\/[jo]\/([\w-]{1,32})$/.exec(path) ?? [];
  if (id !== undefined && path[1] === root) return id;
  throw new UsageError(
    'bad-uri',
    `${text} is no ${words[root]} of ${origin}; give the URI that it had, or its path /${root}/ID.`,
  );
}
