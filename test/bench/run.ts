/** `npm run bench`: see options.ts for what it takes. */
import { FuncoapError } from '../../src/core/error.ts';
import { buildPrograms } from './build.ts';
import { compare } from './compare.ts';
import { requireSuitableMachine } from './machine.ts';
import { parseOptions, usage } from './options.ts';
import { selectable, writePage } from './page.ts';
import { tables } from './report.ts';

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), selectable);
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.micro) {
    const { runMicro } = await import('./micro/run.ts');
    process.stdout.write(await runMicro());
    return 0;
  }
  requireSuitableMachine();
  using programs = buildPrograms();
  const results = await compare(programs, options, log);
  process.stdout.write(`\n${tables(results.summaries)}\n`);
  const faults = results.summaries.reduce((sum, summary) => sum + summary.faults, 0);
  if (faults > 0) {
    log(
      `\n${faults} answers were wrong or missing: the figures of those servers do not count, and nothing was written.`,
    );
  } else if (options.writes) {
    writePage(results);
    log('\nwritten: docs/performance.md, docs/performance/results.json');
  }
  return faults > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof FuncoapError)) throw error;
  log(`bench: ${error.message}`);
  process.exitCode = 2;
}
