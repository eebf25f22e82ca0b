/** What a line of `funcoap shell` does, and how it is completed. */
import { helpOf } from '../client/sdk/connection.ts';
import type { Connection } from '../client/sdk/connection-controls.ts';
import { UsageError } from '../core/error.ts';
import { readArguments, type ReadSource } from './call-arguments.ts';
import { namedWords, wordsOf } from './call-line.ts';
import { withUris } from './gateway-connection.ts';
import { checkUse, LineTargets } from './line-target.ts';
import { tableText, valueText } from './print-value.ts';
import type { Paint } from '../telemetry/paint.ts';

const words = {
  ls: 'the libraries; ls LIBRARY: its functions',
  help: 'this; help LIBRARY/METHOD, help o/ID: what it takes, gives and does',
  exit: 'the end, as Ctrl-D',
} as const;

const isOwnWord = (word: string): word is keyof typeof words => Object.hasOwn(words, word);

export class ShellSession {
  readonly #gateway: Connection;
  readonly #targets: LineTargets;
  readonly #read: ReadSource;
  readonly #paint: Paint;

  constructor(gateway: Connection, read: ReadSource, paint: Paint) {
    this.#gateway = gateway;
    this.#targets = new LineTargets(gateway);
    this.#read = read;
    this.#paint = paint;
  }

  /** What is to be printed; undefined: the end. @param signal gives the call up */
  async run(line: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const [first, ...rest] = wordsOf(line);
    if (first === undefined || first.startsWith('#')) return '';
    if (!isOwnWord(first)) return await this.#call(first, rest, signal);
    switch (first) {
      case 'exit':
        return undefined;
      case 'ls':
        return rest[0] === undefined ? await this.#libraries() : await this.#functions(rest[0]);
      case 'help':
        return rest[0] === undefined ? this.#ownHelp() : await this.#targetHelp(rest[0]);
    }
  }

  /** The words that may stand where the line ends, and what of the line they stand for. */
  async complete(line: string): Promise<readonly [words: string[], stem: string]> {
    const stem = /\S*$/.exec(line)?.[0] ?? '';
    const before = line
      .slice(0, line.length - stem.length)
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    const [first] = before;
    const candidates =
      first === undefined || ((first === 'help' || first === 'ls') && before.length === 1)
        ? await this.#names(stem, first)
        : await this.#parameters(first, before);
    // They become part of the line, and an end of line in a name would be its end.
    return [candidates.filter((candidate) => candidate.startsWith(stem) && !/\p{Cc}/u.test(candidate)), stem];
  }

  async #names(stem: string, first: string | undefined): Promise<string[]> {
    const at = stem.search(/[/.]/);
    if (at < 0 || first === 'ls') {
      const libraries = Object.keys(this.#gateway);
      const own = first === undefined ? Object.keys(words) : [];
      return [...own, ...libraries.map((name) => (first === 'ls' ? name : `${name}/`))];
    }
    const slash = stem.lastIndexOf('/');
    const of = await this.#targets.object(stem.slice(0, slash));
    if (of !== undefined)
      return of.$class.members.flatMap(({ name, kind, readable }) =>
        kind === 'method' || readable ? [`${stem.slice(0, slash)}/${name}`] : [],
      );
    const library = stem.slice(0, at);
    return (await this.#gateway.$functions(library)).map((method) => `${library}${stem[at] ?? ''}${method}`);
  }

  async #parameters(first: string, before: readonly string[]): Promise<string[]> {
    const { parameters } = (await this.#targets.find(first)).fn;
    const given = new Set(before.map((word) => word.split(/:?=/, 1)[0]));
    return parameters.flatMap(({ name, type }) => {
      if (given.has(name)) return [];
      const options = type.kind === 'union' ? type.options : [type];
      const texts = options.flatMap((option) => (option.kind === 'literal' ? [String(option.value)] : []));
      return texts.length > 0 ? texts.map((text) => `${name}=${text}`) : [`${name}=`];
    });
  }

  async #call(word: string, texts: readonly string[], signal: AbortSignal | undefined): Promise<string> {
    const target = await this.#targets.find(word);
    checkUse(target, texts);
    const values = await readArguments(target.fn, namedWords(target.fn, texts), this.#read);
    return valueText(withUris(await target.call([values], signal)), this.#paint);
  }

  async #libraries(): Promise<string> {
    const rows = (await this.#gateway.$libraries()).map(({ name, functions, title, error }) => [
      name,
      functions,
      error === undefined ? (title ?? '') : `does not load: ${error}`,
    ]);
    return rows.length === 0 ? 'no libraries' : tableText(['library', 'functions', ''], rows, this.#paint);
  }

  async #functions(library: string): Promise<string> {
    const methods = await this.#gateway.$functions(library);
    if (methods.length === 0)
      throw new UsageError('bad-argument', `There is no library ${library} with functions; \`ls\` lists them.`);
    return methods.map((method) => `${library}/${method}`).join('\n');
  }

  #ownHelp(): string {
    const rows: [string, string][] = [
      ['LIBRARY/METHOD …', 'calls it: by position (10 20) or by name (a=10 b=20); a class makes an object'],
      ['o/ID/METHOD …', 'the same of an object; o/ID/ATTRIBUTE reads'],
      ...Object.entries(words),
    ];
    return tableText(['line', ''], rows, this.#paint);
  }

  async #targetHelp(word: string): Promise<string> {
    const object = await this.#targets.object(word);
    return valueText(helpOf(object === undefined ? (await this.#targets.find(word)).fn : object.$class));
  }
}
