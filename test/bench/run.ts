/** `npm run bench`: see options.ts for what it takes. */
import { FuncoapError } from '../../src/core/error.ts';
import { judgeAll } from './bars.ts';
import { buildPrograms } from './build.ts';
import { compare } from './compare.ts';
import { contestantNames } from './contestants.ts';
import { requireSuitableMachine } from './machine.ts';
import { parseOptions, usage } from './options.ts';
import { merge } from './merge.ts';
import { readResults, writePage } from './page.ts';
import { profileScenario } from './profile.ts';
import { watch } from './progress.ts';
import { totalFaults } from './results.ts';
import { scenarios } from './scenarios.ts';
import { barTable, scenarioTables } from './table.ts';

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const scenarioNames = scenarios.map(({ name }) => name);

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
  const verdicts = judgeAll(results.summaries);
  process.stdout.write(`\n${scenarioTables(scenarios, results.summaries)}\n\n`);
  // Of a part there is no verdict on the whole.
  const judged = options.only.length === 0 ? verdicts : verdicts.filter(({ verdict }) => verdict !== 'not measured');
  if (judged.length > 0) process.stdout.write(`### Bars\n\n${barTable(judged)}\n`);
  const faults = totalFaults(results.summaries);
  const failed = faults > 0 || results.failures.length > 0;
  for (const failure of results.failures) log(`FAILED: ${failure}`);
  if (failed) {
    log(
      `\n${faults} answers were wrong or missing: the figures of those servers do not count, and nothing was written.`,
    );
  } else if (options.writes) {
    const whole = options.only.length === 0 ? results : merge(readResults(), results, scenarioNames);
    writePage(whole, judgeAll(whole.summaries));
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
