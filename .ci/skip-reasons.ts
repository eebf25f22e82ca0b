/** Prints, after the run, every test that was skipped and why (a skip without a reason says so). */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export class SkipReasons implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) skipped.push(describeSkip(test));
    }
    if (skipped.length > 0) process.stdout.write(`\nSkipped:\n${skipped.join('\n')}\n`);
  }
}

function describeSkip(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  const reason = note ?? (test.module.state() === 'failed' ? 'its file could not be set up' : 'no reason given');
  return `  ${test.module.relativeModuleId} > ${test.fullName}: ${reason}`;
}
