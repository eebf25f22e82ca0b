/** Prints, after the run, every test that skipped itself and why (a skip without a reason says so). */
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';

export class SkipReasons implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // `-t` skips what does not match, and nobody wonders why.
    const pattern = this.#vitest?.config.testNamePattern;
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped'))
        if (pattern === undefined || pattern.test(nameOf(test))) skipped.push(describeSkip(test));
    }
    if (skipped.length > 0) process.stdout.write(`\nSkipped:\n${skipped.join('\n')}\n`);
  }
}

/** As `-t` sees it. */
function nameOf({ name, parent }: TestCase | TestSuite): string {
  return parent.type === 'suite' ? `${nameOf(parent)} ${name}` : name;
}

function describeSkip(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  const reason = note ?? (isSetUp(test) ? 'no reason given' : 'its file could not be set up');
  return `  ${test.module.relativeModuleId} > ${test.fullName}: ${reason}`;
}

/** Neither its file nor a group that it is in failed before its tests began. */
function isSetUp({ parent }: TestCase | TestSuite): boolean {
  if (parent.errors().length > 0) return false;
  return parent.type === 'module' || isSetUp(parent);
}
