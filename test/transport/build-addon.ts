/** udp-batch.c compiled for a test, with what makes faults seen: warnings as errors, sanitizers, a bad kernel. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UdpAddon } from '../../src/transport/native/addon.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const sources = ['udp-batch.c', 'thread-priority.c', 'connection-id.c', 'client-hello-filter.c', 'aes-ccm.c'].map(
  (name) => join(here, '../../src/transport/native', name),
);
const require = createRequire(import.meta.url);
const headers = join(dirname(require.resolve('node-api-headers')), 'include');
const flags = ['-std=c11', '-fPIC', '-shared', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];

/** Flags and sources of a kernel that is never quite ready. */
export const faultyKernel: readonly string[] = ['-Wl,--wrap=sendmmsg,--wrap=recvmmsg', join(here, 'faults.c')];
/** Any fault ends the process. */
export const sanitizers: readonly string[] = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** @throws where there is no compiler */
export function buildAddon(output: string, extra: readonly string[]): void {
  execFileSync('cc', [...flags, '-I', headers, ...sources, ...extra, '-o', output], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

export const loadAddon = (file: string): UdpAddon => require(file) as UdpAddon;
