/** Writes docs/performance.md, of which the part between the markers is the command's, the figures as JSON, and the plots. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/core/error.ts';
import type { Verdict } from './bars.ts';
import { contestantNames, contestants } from './contestants.ts';
import { voidTexts } from './faults.ts';
import { plots } from './plots.ts';
import type { Results } from './results.ts';
import { scenarios } from './scenarios.ts';
import { loadCpu, serverCpu } from './servers.ts';
import { barTable, scenarioTables } from './table.ts';

const begin = '<!-- npm run bench writes from here -->';
const end = '<!-- to here -->';
const docs = join(import.meta.dirname, '../../docs');

const versions = ({ versions: known }: Results): string =>
  contestantNames
    .flatMap((name) => (known[name] === undefined ? [] : [`${contestants[name].title}: ${known[name]}`]))
    .join('; ');

const missedText = (verdicts: readonly Verdict[]): string => {
  const missed = verdicts.filter(({ verdict }) => verdict === 'MISSED').length;
  return missed === 0
    ? 'All that were measured are met.'
    : `**${missed} of ${verdicts.length} MISSED**: the profiles beside the figures say where the time goes.`;
};

/** What stands between the markers. */
export function pageBody(results: Results, verdicts: readonly Verdict[]): string {
  const { machine, options, notes, samples } = results;
  const said = [...notes, ...voidTexts(samples)];
  return [
    `Measured on ${results.date} · ${machine.processor}, ${machine.processors} processors, ${machine.system}, Node ${machine.node}, ` +
      `net.core.rmem_max ${machine.receiveBufferLimit}, load before the run ${machine.otherLoad.toFixed(1)}.`,
    `${options.rounds} rounds, interleaved, ${options.seconds} s each after ${options.warmUpSeconds} s of warm-up; ` +
      `server on processor ${serverCpu}, load on processor ${loadCpu}, loopback.`,
    `Versions: ${versions(results)}.`,
    ...(said.length === 0 ? [] : [said.map((note) => `- ${note}`).join('\n')]),
    `## Bars\n\n${barTable(verdicts)}\n\n${missedText(verdicts)}`,
    `## Plots\n\n${plots(results.summaries)
      .map(({ file, title }) => `![${title}](performance/${file})`)
      .join('\n\n')}`,
    `## Figures\n\n${scenarioTables(scenarios, results.summaries)}`,
  ].join('\n\n');
}

/** Replaces what stands between the markers. */
function withBody(page: string, text: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) {
    throw new UsageError('bench-page', `docs/performance.md must have the lines "${begin}" and "${end}".`);
  }
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

/** Pretty, but with a line for each sample: there are hundreds. */
function jsonText({ samples, ...results }: Results, verdicts: readonly Verdict[]): string {
  const head = JSON.stringify({ ...results, verdicts }, undefined, 1).replace(/\n\}$/, '');
  const lines = samples.map((sample) => `  ${JSON.stringify(sample)}`);
  return `${head},\n "samples": [\n${lines.join(',\n')}\n ]\n}\n`;
}

/** As they were written last. */
export const readResults = (): Results =>
  JSON.parse(readFileSync(join(docs, 'performance/results.json'), 'utf8')) as Results;

export function writePage(results: Results, verdicts: readonly Verdict[]): void {
  const file = join(docs, 'performance.md');
  const folder = join(docs, 'performance');
  writeFileSync(file, withBody(readFileSync(file, 'utf8'), pageBody(results, verdicts)));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'results.json'), jsonText(results, verdicts));
  for (const plot of plots(results.summaries)) writeFileSync(join(folder, plot.file), plot.svg);
}
