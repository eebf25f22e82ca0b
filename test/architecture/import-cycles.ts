/** Finds circles of imports, types included: two files that need each other are one file or three. */
import { isRelative, resolveImport, type SourceFile } from './source-file.ts';

/** Each circle once, as `a.ts → b.ts → a.ts`. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const trail: string[] = [];
  const cycles: string[] = [];
  const follow = (file: SourceFile): void => {
    const start = trail.indexOf(file.path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), file.path].join(' → '));
      return;
    }
    if (done.has(file.path)) return;
    trail.push(file.path);
    for (const edge of file.imports) {
      const next = isRelative(edge.specifier) ? known.get(resolveImport(file, edge.specifier)) : undefined;
      if (next !== undefined && edge.kind !== 'url') follow(next);
    }
    trail.pop();
    done.add(file.path);
  };
  for (const file of files) follow(file);
  return cycles;
}
