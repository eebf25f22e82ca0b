/**
 * How modules of a library are found and read, as synchronous hooks of node:module.
 *
 * - `funcoap/library` and `zod` are the gateway's own copies wherever the folder lies: a library
 *   needs no node_modules, and schemas are of the one Zod that the gateway reads.
 * - TypeScript is stripped under node_modules too, where Node refuses: libraries are shipped there.
 * - In the I/O thread the version of a library stands in the query of its URLs and is handed on to
 *   relative imports, so that new code is really new.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const libraryModule: string = new URL(`../../library${extension}`, import.meta.url).href;

/** Marks URLs of a library's version, in the I/O thread. */
export const versionQuery = 'funcoap';

/** Installs the hooks for modules below `folderUrl` (which ends with a slash). */
export function installHooks(folderUrl: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'funcoap/library') return { url: libraryModule, shortCircuit: true };
      const parent = context.parentURL;
      if (parent === undefined || !isOwnModule(parent, folderUrl)) return next(specifier, context);
      if (specifier === 'zod' || specifier.startsWith('zod/')) {
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
      const resolved = next(specifier, context);
      const version = new URL(parent).searchParams.get(versionQuery);
      if (version === null || !isOwnModule(resolved.url, folderUrl)) return resolved;
      const url = new URL(resolved.url);
      url.searchParams.set(versionQuery, version);
      return { ...resolved, url: url.href };
    },
    load(url, context, next) {
      if (!url.startsWith(folderUrl)) return next(url, context);
      const path = new URL(url).pathname;
      if (!path.endsWith('.ts') && !path.endsWith('.mts')) return next(url, context);
      const source = stripTypes(readFileSync(fileURLToPath(url), 'utf8'), url);
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

/** A file of the library itself, not of a package that it depends on. */
const isOwnModule = (url: string, folderUrl: string): boolean =>
  url.startsWith(folderUrl) && !url.slice(folderUrl.length).includes('node_modules/');

/** Type stripping without the ExperimentalWarning that it gives on first use. */
function stripTypes(source: string, url: string): string {
  const own = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    // Errors name the file only where they are told it.
    return stripTypeScriptTypes(source, { sourceUrl: url });
  } finally {
    if (own !== undefined) Object.defineProperty(process, 'emitWarning', own);
  }
}
