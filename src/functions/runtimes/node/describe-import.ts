/** Imports that lead nowhere, or to what is no module. Node does not say on which line they stand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** One sentence; undefined where the error is none of an import. @param message of the error, without folders @param entry the file that is loaded first */
export function describeImport(thrown: Error, message: string, folder: string, entry: string): string | undefined {
  const code = 'code' in thrown ? thrown.code : undefined;
  const at = (wanted: string, importer: string = entry): string => placeOf(wanted, importer, folder);
  switch (code) {
    case 'ERR_MODULE_NOT_FOUND': {
      const [, what, name = '', importer = ''] =
        /^Cannot find (package|module) '(.+)' imported from (.+)$/.exec(message) ?? [];
      if (what === undefined || !existsSync(join(folder, importer))) return undefined;
      const wanted = what === 'package' ? name : basename(name);
      return `${at(wanted, importer)}: Cannot find ${what} '${name}'; ${what === 'package' ? packageCure(name) : fileCure(name, folder)}.`;
    }
    case 'ERR_UNSUPPORTED_DIR_IMPORT': {
      const [, name = '', importer = ''] = /^Directory import '(.+)' .+ imported from (.+)$/.exec(message) ?? [];
      return `${at(basename(name), importer)}: '${name}' is a folder; ${fileCure(name, folder)}.`;
    }
    case 'ERR_UNKNOWN_FILE_EXTENSION': {
      const [, name = ''] = / for (.+)$/.exec(message) ?? [];
      const file = basename(name);
      return `${at(file)}: '${name}' is no module; read it with readFileSync(import.meta.dirname + '/${file}').`;
    }
    case 'ERR_IMPORT_ATTRIBUTE_MISSING': {
      const [, name = ''] = /"(.+?)"/.exec(message) ?? [];
      return `${at(basename(name))}: '${name}' is imported as if it were a module; write with { type: 'json' } behind it.`;
    }
    case 'ERR_UNSUPPORTED_ESM_URL_SCHEME': {
      const [, scheme = ''] = /protocol '(.+?)'/.exec(message) ?? [];
      return `${at(scheme)}: nothing is imported from '${scheme}'; install the package in the library's folder, or copy the file.`;
    }
    case 'ERR_UNKNOWN_BUILTIN_MODULE': {
      const [, name = ''] = /: (.+)$/.exec(message) ?? [];
      return `${at(name)}: Node has no module '${name}'; mend the name and save the file.`;
    }
    default:
      return undefined;
  }
}

const packageCure = (name: string): string =>
  name === 'funcoap'
    ? "what libraries import is 'funcoap/library'"
    : `run \`npm install ${name}\` in the library's folder and save the file`;

function fileCure(name: string, folder: string): string {
  const stem = name.replace(/\.m?js$/, '');
  const found = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((end) =>
    existsSync(join(folder, stem + end)),
  );
  return found === undefined
    ? 'mend it and save the file'
    : `an import names the file with its ending: '${basename(stem)}${found}'`;
}

/** The line of an import: in the file that it is known to stand in, else in any other. */
function placeOf(wanted: string, importer: string, folder: string): string {
  for (const file of [importer, ...modulesIn(folder)]) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const lines = readFileSync(path, 'utf8').split('\n');
    const line = lines.findIndex((text) => /\b(?:import|from)\b.*['"]/.test(text) && text.includes(wanted)) + 1;
    if (line > 0) return `${file}:${line}`;
  }
  return importer;
}

/** Deeper than hand-written libraries are. */
const maxDepth = 8;

/** The modules of a library, below its folder, without packages and data. */
export function modulesIn(folder: string, below = '', depth = 0): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry): readonly string[] => {
    if (/^\.|^node_modules$|^data$/.test(entry.name)) return [];
    const path = join(below, entry.name);
    if (entry.isDirectory()) return depth < maxDepth ? modulesIn(folder, path, depth + 1) : [];
    return /\.m?[jt]s$/.test(entry.name) ? [path] : [];
  });
}
