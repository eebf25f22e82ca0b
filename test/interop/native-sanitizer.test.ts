/** udp-batch.c under AddressSanitizer and UndefinedBehaviorSanitizer, mishandled. Needs gcc or clang as cc, and Linux. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildAddon, faultyKernel, sanitizers } from '../transport/build-addon.ts';

const folder = mkdtempSync(join(tmpdir(), 'funcoap-sanitizer-'));
const exerciser = new URL('../transport/native-exerciser.ts', import.meta.url).pathname;
let missing: string | undefined;
let runtime = '';

beforeAll(() => {
  try {
    if (process.platform !== 'linux') throw new RangeError('Linux only');
    runtime = ['libasan.so', 'libubsan.so']
      .map((name) => execFileSync('cc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim())
      .join(':');
    buildAddon(join(folder, 'plain.node'), sanitizers);
  } catch (error) {
    missing = `no C compiler with sanitizers: ${error instanceof Error ? error.message : String(error)}`;
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the native transport under sanitizers', () => {
  beforeEach(({ skip }) => {
    if (missing !== undefined) skip(missing);
  });

  test.each([
    ['a kernel as it is', 'plain.node', []],
    ['a kernel that is never quite ready', 'faulty.node', faultyKernel],
  ])('has no fault, whatever is done to it, over %s', (_, name, extra) => {
    const file = join(folder, name);
    if (extra.length > 0) buildAddon(file, [...sanitizers, ...extra]);
    const result = spawnSync(process.execPath, ['--expose-gc', exerciser, file], {
      encoding: 'utf8',
      timeout: 100_000,
      env: {
        ...process.env,
        LD_PRELOAD: runtime,
        // Node leaves its own behind at exit: only what came from the addon counts, below.
        ASAN_OPTIONS: 'detect_leaks=1:exitcode=0:detect_odr_violation=0',
        LSAN_OPTIONS: 'max_leaks=0:report_objects=0',
      },
    });
    expect(`${result.stdout}\n${result.stderr}`).toMatch(/^exercised$/m);
    expect(result.stderr).not.toMatch(/runtime error|ERROR: AddressSanitizer|udp-batch\.c/);
    expect(result.signal).toBe(null);
  });
});
