/** A file over 350 lines says in its header why it must be longer ("… longer … because …"). */
import type { SourceFile } from './source-file.ts';

export const mostLines = 350;

export function sizeViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1;
    if (lines <= mostLines || /\blong(?:er)?\b[^]*?\bbecause\b/i.test(headerOf(file.text))) return [];
    return [
      `${file.path}: ${lines} lines, over ${mostLines}: split it, or say in its header that it is longer and because of what`,
    ];
  });
}

/** The comment that the file opens with, or no text. */
const headerOf = (text: string): string => /^(?:#![^\n]*\n)?\s*(\/\*[^]*?\*\/|(?:\/\/[^\n]*\n)+)/.exec(text)?.[1] ?? '';
