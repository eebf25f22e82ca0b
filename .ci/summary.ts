/**
 * Prints what `.ci/outcome.ts` wrote of some runs: each failure in a line, then
 * `N passed, N failed, N skipped` of all. A record that is not there counts as a failure.
 *
 * Usage: node .ci/summary.ts <record>...
 */
import { existsSync, readFileSync } from 'node:fs';
import type { OutcomeRecord } from './outcome.ts';

const absent = (path: string): OutcomeRecord => ({
  passed: 0,
  failed: 1,
  skipped: 0,
  failures: [`no record at ${path}: the run did not finish`],
});

const outcomes = process.argv
  .slice(2)
  .map((path) => (existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as OutcomeRecord) : absent(path)));
const total = (count: (outcome: OutcomeRecord) => number): number =>
  outcomes.reduce((sum, outcome) => sum + count(outcome), 0);

for (const { failures } of outcomes) for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
const failed = total((outcome) => outcome.failed);
process.stdout.write(
  `${total(({ passed }) => passed)} passed, ${failed} failed, ${total(({ skipped }) => skipped)} skipped\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
