/** Pages with commands and what they print: reads them, and runs them against a gateway of the test. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonWithCbor2 } from './python.ts';

export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

export const readPage = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

/** The fenced blocks of this kind, in their order. */
export const blocksOf = (page: string, kind: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

export interface Stated {
  /** Lines of a shell. */
  readonly command: string;
  /** What it prints; the lines behind `# `. */
  readonly printed: string;
}

/** Commands of a `sh` block: some lines, and below them as comments what they print. Lines without are not among them. */
export function commandsIn(block: string): readonly Stated[] {
  const stated: Stated[] = [];
  let command = '';
  let printed: string[] = [];
  for (const line of [...block.trimEnd().split('\n'), undefined]) {
    const comment = line === undefined ? undefined : /^#(?: (.*))?$/.exec(line);
    if (comment != null) {
      printed.push(comment[1] ?? '');
      continue;
    }
    if (printed.length > 0) {
      stated.push({ command: command.trimEnd(), printed: printed.join('\n') });
      command = '';
      printed = [];
    }
    command += `${line ?? ''}\n`;
  }
  return stated;
}

/** `…` at the end of what is stated stands for the rest of what was printed. */
export const asStated = (got: string, stated: string): string =>
  stated.endsWith('…') ? `${got.slice(0, stated.length - 1)}…` : got;

export interface Doors {
  readonly coap: string;
  readonly url: string;
  /** Where commands may write. */
  readonly folder: string;
}

const own = `'${process.execPath}' '${root}bin/funcoap.js'`;
const sources = new URL('from-sources.ts', import.meta.url).href;

/** Runs a command of a page as it stands, but for the addresses of the gateway, and gives what it prints. */
export async function output(command: string, { coap, url, folder }: Doors): Promise<string> {
  const script = command
    .replaceAll('http://127.0.0.1:3419', url)
    .replaceAll(/coap:\/\/127\.0\.0\.1(?=[\s/'"]|$)/g, coap)
    .replaceAll('npm exec -- funcoap', own)
    .replaceAll(/ > \S+$/gm, ' > /dev/null')
    .replaceAll(/\bpython3 (\S+)/g, `${pythonWithCbor2 ?? 'python3'} $1 ${coap}`)
    .replaceAll(/^node (\S+)/gm, `'${process.execPath}' --import '${sources}' $1 ${coap}`);
  const env = { ...process.env, FUNCOAP_DATA_FOLDER: join(folder, 'data') };
  try {
    return (await promisify(execFile)('sh', ['-c', script], { cwd: root, env })).stdout.trimEnd();
  } catch (error) {
    // Some are meant to fail.
    if (error instanceof Error && 'stdout' in error) return String(error.stdout).trimEnd();
    throw error;
  }
}
