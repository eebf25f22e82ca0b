/**
 * A call as one line, in `funcoap shell` and `funcoap batch`:
 *
 *     math/add 10 20            by position
 *     math/add a=10 b=20        by name, as for `funcoap call`
 *     math/add b=20 10          mixed: what has no name is the first that is still missing
 *     notes/write 'two words'   quotes keep words together, \ keeps the next sign
 *     o/3kP0aZ_q/deposit 5      what else can be called: line-target.ts
 */
import { UsageError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';

/** The words of a line, as a shell sees them. @throws UsageError `bad-argument` where a quote does not end */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? '';
    if (quote !== undefined) {
      if (sign === quote) quote = undefined;
      else if (sign === '\\' && quote === '"' && at + 1 < line.length) word = (word ?? '') + (line[++at] ?? '');
      else word = (word ?? '') + sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (sign === '\\' && at + 1 < line.length) word = (word ?? '') + (line[++at] ?? '');
    else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote !== undefined) throw new UsageError('bad-argument', `The quote ${quote} does not end; write another one.`);
  if (word !== undefined) words.push(word);
  return words;
}

/** `math/add` and `math.add`. @throws UsageError `bad-argument` */
export function targetOf(word: string): { readonly library: string; readonly method: string } {
  if (word.startsWith('#'))
    throw new UsageError(
      'bad-argument',
      `${word} cannot be called: what a call of the same batch gives is not there yet. Make the object first (\`funcoap call\` prints its URI), then batch its methods.`,
    );
  const [, library, method] = /^([^/.]+)[/.]([^/]+)$/.exec(word) ?? [];
  if (library === undefined || method === undefined)
    throw new UsageError(
      'bad-argument',
      `${word} is no function; write LIBRARY/METHOD, as in math/add, or o/ID/METHOD of an object.`,
    );
  return { library, method };
}

/** The words of arguments with a name each, as `readArguments` takes them. */
export function namedWords(fn: DescribedFunction, words: readonly string[]): string[] {
  const { parameters } = fn;
  const nameOf = (word: string): string | undefined => {
    const name = /^([^=:]+)(?:$|:?=)/.exec(word)?.[1];
    return word.includes('=') || parameters.some((parameter) => parameter.name === name) ? name : undefined;
  };
  const given = new Set(words.map(nameOf));
  const open = parameters.filter(
    ({ name, keyword, others }) => !given.has(name) && keyword !== true && others !== true,
  );
  return words.map((word) => {
    if (nameOf(word) !== undefined) return word;
    const [next] = open;
    if (next === undefined) {
      const takes = parameters.length === 0 ? 'no arguments' : parameters.map(({ name }) => name).join(', ');
      throw new UsageError('bad-argument', `${fn.library}/${fn.method} takes ${takes}; ${word} is one too many.`);
    }
    if (!next.rest) open.shift();
    return `${next.name}=${word}`;
  });
}
