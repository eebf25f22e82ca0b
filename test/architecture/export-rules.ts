/** Named exports only; src/index.ts is the only barrel and nothing but a barrel. */
import type { SourceFile } from './source-file.ts';

const barrel = 'src/index.ts';

/** What libraries import: it hands them Zod and types along with its own. */
const libraryEntry = 'src/functions/library.ts';

export function exportViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [
    ...file.exports.flatMap(({ line, kind }) => {
      if (kind === 'default') return [`${file.path}:${line}: a default export: exports are named`];
      if (kind === 'star') return [`${file.path}:${line}: export * hides what is exported: name it`];
      if (kind === 'reexport' && file.path !== barrel && file.path !== libraryEntry) {
        return [`${file.path}:${line}: a re-export: ${barrel} is the only barrel, import the defining file`];
      }
      return kind === 'named' && file.path === barrel
        ? [`${barrel}:${line}: a definition: the barrel only re-exports`]
        : [];
    }),
    ...(file.path === barrel
      ? [...file.statements, ...file.imports.filter(({ kind }) => kind !== 'reexport').map(({ line }) => line)].map(
          (line) => `${barrel}:${line}: not a re-export: the barrel holds nothing else`,
        )
      : []),
  ]);
}
