/**
 * The corpus, test/vectors/corpus/*.txt: datagrams that broke something once, here or elsewhere. A case is
 *
 *     # what it means, one line
 *     44 01 00 01 ... > 4.02      a datagram in hex, and what the answer to it must be:
 *     44 01 00 01 ... > 4.02      a code, RST, ACK (an empty one), or nothing; without `>` anything clean goes
 *
 * and an empty line ends it. The datagrams of a case are sent in this order by one peer.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hex } from '../../src/core/bytes.ts';

export interface CorpusDatagram {
  readonly bytes: Uint8Array;
  /** `4.02`, `RST`, `ACK`, `nothing`; undefined where the case does not say. */
  readonly answer: string | undefined;
}

export interface CorpusCase {
  readonly file: string;
  readonly meaning: string;
  readonly datagrams: readonly CorpusDatagram[];
}

const folder: string = fileURLToPath(new URL('../vectors/corpus', import.meta.url));

export function readCorpus(): readonly CorpusCase[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return files.sort().flatMap((file) => parseCases(file, readFileSync(`${folder}/${file}`, 'utf8')));
}

/** Writes a failing run of datagrams as a new case; returns its file. */
export function writeCase(name: string, meaning: string, datagrams: readonly Uint8Array[]): string {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${name}.txt`;
  writeFileSync(file, `# ${meaning.replaceAll('\n', ' ')}\n${datagrams.map(hex).join('\n')}\n`);
  return file;
}

function parseCases(file: string, text: string): CorpusCase[] {
  const blocks = text.split(/\n\s*\n/).filter((block) => block.trim() !== '');
  return blocks.map((block) => {
    const lines = block.trim().split('\n');
    const [first = '', ...rest] = lines;
    if (!first.startsWith('# '))
      throw new TypeError(`${file}: a case begins with "# " and its meaning, not with "${first}"`);
    return { file, meaning: first.slice(2), datagrams: rest.map((line) => parseDatagram(file, line)) };
  });
}

function parseDatagram(file: string, line: string): CorpusDatagram {
  const [digits = '', answer] = line.split('>').map((part) => part.trim());
  const packed = digits.replaceAll(' ', '');
  if (!/^(?:[0-9a-f]{2})*$/.test(packed)) throw new TypeError(`${file}: "${line}" is not hex`);
  return { bytes: Uint8Array.from(packed.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)), answer };
}
