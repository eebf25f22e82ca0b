/** Writes docs/performance.md, of which the part between the markers is the command's, and the figures as JSON. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../src/core/error.ts';
import { tables, type Results } from './report.ts';
import { loadCpu, serverCpu, serverTitles } from './servers.ts';
import { scenarios, type ServerName } from './scenarios.ts';

const begin = '<!-- npm run bench writes from here -->';
const end = '<!-- to here -->';
const docs = join(import.meta.dirname, '../../docs');

const names = Object.keys(serverTitles).filter((name): name is ServerName => name in serverTitles);

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function versions({ versions: known }: Results): string {
  return names
    .flatMap((name) => (known[name] === undefined ? [] : [`${serverTitles[name]}: ${known[name]}`]))
    .join('; ');
}

/** The most that a server took, after one measurement. */
function memory({ samples }: Results): string {
  return names
    .filter((name) => name !== 'limit')
    .flatMap((name) => {
      const own = samples.filter((sample) => sample.server === name).map((sample) => sample.memory);
      if (own.length === 0) return [];
      const before = Math.max(...own.map((m) => m.before));
      const after = Math.max(...own.map((m) => m.after));
      return [`${serverTitles[name]} ${megabytes(before)} before the load, ${megabytes(after)} after it`];
    })
    .join('; ');
}

function body(results: Results): string {
  const { machine, options } = results;
  return [
    `Measured on ${results.date} · ${machine.processor}, ${machine.processors} processors, ${machine.system}, Node ${machine.node}, ` +
      `net.core.rmem_max ${machine.receiveBufferLimit}, load before the run ${machine.otherLoad.toFixed(1)}.`,
    `Versions: ${versions(results)}.`,
    `${options.rounds} rounds, interleaved, ${options.seconds} s each after ${options.warmUpSeconds} s of warm-up; ` +
      `${options.inFlight} requests in flight from ${options.endpoints} endpoints; server on processor ${serverCpu}, load on processor ${loadCpu}, loopback.`,
    tables(results.summaries),
    `Resident memory, at most: ${memory(results)}. Deduplication is on: funcoap keeps its replies to GET and FETCH for ` +
      'EXCHANGE_LIFETIME (RFC 7252 §4.8.2) or until they fill `limits.dedupSafe`, 32 MiB by default, the oldest out first.',
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

export function writePage(results: Results): void {
  const file = join(docs, 'performance.md');
  writeFileSync(file, withBody(readFileSync(file, 'utf8'), body(results)));
  mkdirSync(join(docs, 'performance'), { recursive: true });
  writeFileSync(join(docs, 'performance/results.json'), `${JSON.stringify(results, undefined, 1)}\n`);
}

/** Every name that --only takes. */
export const selectable: readonly string[] = [...names, ...scenarios.map((scenario) => scenario.name)];
