/** How a person runs this program once more: what is printed to paste must work as it stands. */
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Terminal } from './terminal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');
/** The published package has no TypeScript but declarations. */
const isCheckout = import.meta.url.endsWith('.ts');

/** `funcoap`, or what stands in for it where that is not on PATH. */
export function ownCommand({ environment, workingFolder }: Pick<Terminal, 'environment' | 'workingFolder'>): string {
  if (!isCheckout) return environment['npm_command'] === 'exec' ? 'npx funcoap' : 'funcoap';
  // npm knows the program of the package that it stands in, and the Node that goes with it.
  if (workingFolder === root) return 'npm exec -- funcoap';
  const path = relative(workingFolder, root);
  return `node ${path.startsWith(`..${sep}..${sep}..`) ? root : path}/bin/funcoap.js`;
}
