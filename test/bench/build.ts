/** Compiles the C programs of the benchmark, into a folder that is gone afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../src/core/error.ts';

export interface Programs extends Disposable {
  readonly folder: string;
  readonly generator: string;
  readonly limit: string;
}

const flags = ['-std=c11', '-O2', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror'];

function compile(sources: readonly string[], output: string): string {
  try {
    execFileSync('cc', [...flags, ...sources, '-o', output], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    throw new UsageError(
      'bench-compiler',
      'The load generator cannot be compiled: a C compiler named cc and Linux headers are needed (on Debian: apt install gcc libc6-dev).',
      { cause },
    );
  }
  return output;
}

export function buildPrograms(): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-bench-'));
  const generator = join(import.meta.dirname, 'generator');
  const sources = readdirSync(generator).filter((name) => name.endsWith('.c'));
  return {
    folder,
    generator: compile(
      sources.map((name) => join(generator, name)),
      join(folder, 'generator'),
    ),
    limit: compile([join(import.meta.dirname, 'limit.c')], join(folder, 'limit')),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
