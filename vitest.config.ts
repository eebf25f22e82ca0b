import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { Outcome } from './.ci/outcome.ts';
import { SkipReasons } from './.ci/skip-reasons.ts';
import { patience } from './test/patience.ts';

/** Where `.ci/run` wants a record of what came of the run; not set otherwise. */
const record = process.env['TEST_OUTCOME'];

// Tests start funcoap and its threads a hundred times: they find what Node made of the sources the last time.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url));

/** Need more than the checkout: programs from Debian, a package registry, minutes. */
const interop = ['test/interop/**/*.test.ts', 'test/packaging/**/*.test.ts'];

const config: ViteUserConfig = defineConfig({
  test: {
    globals: false,
    expect: { poll: patience },
    // Some files wait for processes and timers while others compute.
    maxWorkers: availableParallelism() + 1,
    // Gateways of tests that say nothing of HTTP do not fight for its port.
    env: { FUNCOAP_HTTP_PORT: '0' },
    reporters: ['default', new SkipReasons(), ...(record === undefined ? [] : [new Outcome(record)])],
    projects: [
      {
        test: {
          name: 'fast',
          // A worker loads the sources once, not once a file: nothing in src/ keeps state of the process.
          isolate: false,
          // For what never ends. No test is about how long the machine takes, and CI's are busy.
          testTimeout: 60_000,
          hookTimeout: 120_000,
          include: ['test/**/*.test.ts'],
          exclude: interop,
        },
      },
      {
        test: {
          name: 'interop',
          include: interop,
          // Real ports, real processes, network namespaces: one file after the other.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
