/** `npm run bench`: see options.ts for what it takes. */
import { FuncoapError } from '../../src/core/error.ts';
import { judgeAll, type Verdict } from './bars.ts';
import { buildPrograms } from './build.ts';
import { compare } from './compare.ts';
import { contestantNames } from './contestants.ts';
import { ownFaults, voidTexts } from './faults.ts';
import { requireSuitableMachine } from './machine.ts';
import { parseOptions, usage } from './options.ts';
import { merge } from './merge.ts';
import { readResults, writePage } from './page.ts';
import { profileScenario } from './profile.ts';
import { watch } from './progress.ts';
import type { Results } from './results.ts';
import { scenarios } from './scenarios.ts';
import { barTable, scenarioTables } from './table.ts';

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const scenarioNames = scenarios.map(({ name }) => name);

const isMeasured = ({ measured }: Verdict): boolean => measured !== undefined;

/** What the page is to say: a part takes its place among the figures that are there. */
const written = (results: Results, only: readonly string[]): Results =>
  only.length === 0 ? results : merge(readResults(), results, scenarioNames);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), scenarioNames, contestantNames);
  if (options === undefined) {
    process.stdout.write(usage(scenarioNames, contestantNames));
    return 0;
  }
  if (options.micro) {
    const { runMicro } = await import('./micro/run.ts');
    process.stdout.write(await runMicro());
    return 0;
  }
  requireSuitableMachine();
  using programs = buildPrograms();
  if (options.profile !== undefined) {
    log(`written: ${await profileScenario(options.profile, programs, options)}`);
    return 0;
  }
  const results = await compare(
    programs,
    options,
    watch(process.stderr, () => performance.now()),
  );
  const faults = ownFaults(results.samples);
  const failed = faults > 0 || results.failures.length > 0;
  const whole = failed || !options.writes ? undefined : written(results, options.only);
  process.stdout.write(`\n${scenarioTables(scenarios, results.summaries)}\n\n`);
  const verdicts = judgeAll((whole ?? results).summaries);
  // Of a part there is no verdict on the whole.
  const judged = whole === undefined && options.only.length > 0 ? verdicts.filter(isMeasured) : verdicts;
  if (judged.length > 0) process.stdout.write(`### Bars\n\n${barTable(judged)}\n`);
  for (const text of voidTexts(results.samples)) log(`VOID: ${text}`);
  for (const failure of results.failures) log(`FAILED: ${failure}`);
  if (faults > 0) log(`\n${faults.toLocaleString('en')} answers of funcoap were wrong or missing.`);
  if (failed) log('\nNothing was written.');
  if (whole !== undefined) {
    writePage(whole, verdicts);
    log('\nwritten: docs/performance.md, docs/performance/results.json and its plots');
  }
  return failed ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof FuncoapError)) throw error;
  log(`bench: ${error.message}`);
  process.exitCode = 2;
}
