/** Compiles the C programs of the benchmark, into a folder that is gone afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../src/core/error.ts';

export interface Programs extends Disposable {
  /** For what servers write. */
  readonly folder: string;
  readonly generator: string;
  readonly httpGenerator: string;
  readonly limit: string;
  /** Undefined where libcoap's headers are not on this machine. */
  readonly libcoap: string | undefined;
  /** The same over DTLS by OpenSSL. */
  readonly securedLibcoap: string | undefined;
  /** Undefined where OpenSSL's headers are not. */
  readonly securedGenerator: string | undefined;
  readonly floodGenerator: string;
}

const here = import.meta.dirname;
const flags = ['-std=c11', '-O2', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror'];
/** Debian's builds: without TLS, as every request would pay for it otherwise, and with. */
const libcoap = 'libcoap-3-notls';
const securedLibcoap = 'libcoap-3-openssl';

function compile(sources: readonly string[], output: string, libraries: readonly string[] = []): string {
  const files = sources.map((name) => join(here, name));
  try {
    execFileSync('cc', [...flags, ...files, ...libraries, '-o', output], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    const words = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new UsageError(
      'bench-compiler',
      `${sources.join(', ')} cannot be compiled: a C compiler named cc and Linux headers are needed (on Debian: apt install gcc libc6-dev). It said: ${words}`,
      { cause },
    );
  }
  return output;
}

function flagsOf(library: string): string[] | undefined {
  try {
    const text = execFileSync('pkg-config', ['--cflags', '--libs', library], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim().split(/\s+/);
  } catch {
    return undefined;
  }
}

const sourcesOf = (folder: string): string[] =>
  readdirSync(join(here, folder))
    .filter((name) => name.endsWith('.c'))
    .map((name) => `${folder}/${name}`);

export function buildPrograms(): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-bench-'));
  const generator = sourcesOf('generator');
  const shared = generator.filter((name) => !name.endsWith('/main.c'));
  const opensslFlags = flagsOf('openssl');
  const server = (library: string): string | undefined => {
    const found = flagsOf(library);
    return found && compile(['servers/libcoap.c'], join(folder, library), found);
  };
  return {
    folder,
    generator: compile(generator, join(folder, 'generator')),
    securedGenerator:
      opensslFlags &&
      compile([...shared, ...sourcesOf('secured-generator')], join(folder, 'secured-generator'), opensslFlags),
    floodGenerator: compile(['flood-generator/main.c', ...shared], join(folder, 'flood-generator')),
    httpGenerator: compile(
      ['http-generator/main.c', 'generator/histogram.c', 'generator/cpu-time.c'],
      join(folder, 'http-generator'),
    ),
    limit: compile(['servers/limit.c'], join(folder, 'limit')),
    libcoap: server(libcoap),
    securedLibcoap: server(securedLibcoap),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
