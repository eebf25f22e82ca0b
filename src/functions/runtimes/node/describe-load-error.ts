/**
 * Says in one sentence where a library does not load: `index.ts:3: Unexpected token; mend it and save the file.`
 *
 * The place is the first one in the library's own folder that the error names, without the folder, because sentences like this are
 * shown to people who may not know the machine.
 */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../../../core/error.ts';
import { withRemedy } from '../../load-remedies.ts';
import { withoutFolders } from '../../without-folders.ts';
import { describeImport, modulesIn } from './describe-import.ts';

export async function describeLoadError(thrown: unknown, folder: string, entry: string): Promise<string> {
  const file = basename(entry);
  if (!(thrown instanceof Error))
    return `${file}: threw ${oneLine(JSON.stringify(thrown) ?? String(thrown))} while it was loaded; mend it and save the file.`;
  const own = thrown.message.replaceAll(`${pathToFileURL(folder).href}/`, '').replaceAll(`${folder}/`, '');
  const message = oneLine(withoutFolders(own));
  // What was found by reading the file says already where, and what to do.
  if (message.startsWith(`${file}:`)) return message;
  const imported = describeImport(thrown, message, folder, file);
  if (imported !== undefined) return imported;
  const place = placeIn(thrown.stack ?? '', folder);
  if (place === undefined && thrown instanceof SyntaxError) {
    const found = dataProblem(message, folder) ?? (await syntaxProblem(folder));
    if (found !== undefined) return found;
  }
  const commonJs = thrown instanceof SyntaxError ? describeCommonJs(message, place ?? file, folder) : undefined;
  if (commonJs !== undefined) return commonJs;
  const saysWhatToDo = thrown instanceof UsageError && thrown.code === 'bad-declaration';
  return `${place ?? file}: ${saysWhatToDo ? message : withRemedy(message)}`;
}

/** The first place in the folder that a stack names. */
export function placeIn(stack: string, folder: string): string | undefined {
  for (const prefix of [`${pathToFileURL(folder).href}/`, `${folder}/`]) {
    const at = stack.indexOf(prefix);
    if (at < 0) continue;
    const place = /^([^\s?:()]+)(?:\?[^\s:()]*)?:(\d+)/.exec(stack.slice(at + prefix.length));
    if (place !== null) return `${place[1]}:${place[2]}`;
  }
  return undefined;
}

/** What Node says of `export` and `import` where a package.json makes it read a file as CommonJS, as `npm init` does. */
const moduleSyntax =
  /^(?:Unexpected token 'export'|Cannot use import statement outside a module|Cannot use 'import\.meta')/;

function describeCommonJs(message: string, place: string, folder: string): string | undefined {
  const [file = ''] = place.split(':');
  if (!moduleSyntax.test(message) || !file.endsWith('.js')) return undefined;
  for (let above = dirname(join(folder, file)); ; above = dirname(above)) {
    if (existsSync(join(above, 'package.json')))
      return `${place}: it is an ES module, but the package.json of the folder ${basename(above)} says that it is CommonJS; name it ${basename(file, '.js')}.mjs, or write "type": "module" there.`;
    if (above === dirname(above)) return undefined;
  }
}

/** Of a file of JSON the message says where: `data.json: Expected ',' … (line 1 column 7)`. */
function dataProblem(message: string, folder: string): string | undefined {
  const [, file = '', what = '', line, column] =
    /^([^\s:]+\.json): (.+?)(?: at position \d+)?(?: \(line (\d+) column (\d+)\))?$/.exec(message) ?? [];
  if (file === '' || !existsSync(join(folder, file))) return undefined;
  return `${file}${line === undefined ? '' : `:${line}:${column}`}: ${what}; mend it and save the file.`;
}

/** V8 does not say in which file of JavaScript it was. What is parsed without errors was not it. */
async function syntaxProblem(folder: string): Promise<string | undefined> {
  const { parseSource } = await import('../../signature/syntax.ts');
  for (const file of modulesIn(folder)) {
    try {
      parseSource(readFileSync(join(folder, file), 'utf8'), file);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
    }
  }
  return undefined;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);
