/**
 * Writes what came of a run as JSON: how many tests passed, failed and were skipped, and every failure in
 * a line, also those that belong to no test (an error nobody caught, a worker that died), which make the
 * run fail with every test passed. `.ci/summary.ts` prints them last, where a log is read first.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** What a run came to. */
export interface OutcomeRecord {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line a failure, `where: what`. */
  readonly failures: readonly string[];
}

export class Outcome implements Reporter {
  readonly #path: string;

  /** @param path - of the file that is written at the end */
  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0;
    let skipped = 0;
    const failures: string[] = [];
    for (const module of modules) {
      const { children, relativeModuleId: file } = module;
      for (const test of children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failures.push(`${file} > ${test.fullName}: ${inOneLine(errors[0])}`);
        else skipped += 1;
      }
      for (const error of module.errors()) failures.push(`${file}: ${inOneLine(error)}`);
      for (const suite of children.allSuites())
        for (const error of suite.errors()) failures.push(`${file} > ${suite.fullName}: ${inOneLine(error)}`);
    }
    for (const error of unhandled) failures.push(`outside of tests: ${inOneLine(error)}`);
    const record: OutcomeRecord = { passed, failed: failures.length, skipped, failures };
    writeFileSync(this.#path, JSON.stringify(record));
  }
}

/** With where it was thrown, if that is known. */
function inOneLine(error: SerializedError | undefined): string {
  if (error === undefined) return 'failed without an error';
  const [frame] = error.stacks ?? [];
  const place = frame === undefined ? '' : ` (${frame.file}:${frame.line})`;
  return `${error.message.split('\n', 1)[0] ?? ''}${place}`;
}
