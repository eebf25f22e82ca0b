import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { SkipReasons } from './.ci/skip-reasons.ts';

/** Where `.ci/run` wants a JSON report of the run; not set otherwise. */
const report = process.env['VITEST_JSON_REPORT'];

/** Need more than the checkout: programs from Debian, a package registry, minutes. */
const interop = ['test/interop/**/*.test.ts', 'test/packaging/**/*.test.ts'];

const config: ViteUserConfig = defineConfig({
  test: {
    globals: false,
    // Many wait for processes and timers: one worker a processor, also where there are few.
    maxWorkers: availableParallelism(),
    reporters: [
      'default',
      new SkipReasons(),
      ...(report === undefined ? [] : [['json', { outputFile: report }] satisfies [string, object]]),
    ],
    projects: [
      {
        test: {
          name: 'fast',
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
