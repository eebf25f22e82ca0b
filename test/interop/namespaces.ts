/** Hosts of the tests' own: network namespaces. */
import { spawnSync } from 'node:child_process';

/** Why none can be made here; undefined where they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const probe = `fp${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (made.status !== 0) return `"ip netns add" does not work here: ${made.stderr ?? made.error?.message}`;
  spawnSync('ip', ['netns', 'delete', probe]);
  return undefined;
}
