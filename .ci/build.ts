/** Makes `dist` anew: JavaScript and declarations of `src`, and beside them what is no TypeScript: C, Python, pages. */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('src', 'dist', {
  recursive: true,
  filter: (path) => (statSync(path).isDirectory() ? !path.endsWith('__pycache__') : !path.endsWith('.ts')),
});
