/** Lines that devices report: the library of the example on calls without an answer. */
const lines: string[] = [];

/** The last lines that are kept. */
const most = 100;

/** Writes a line. */
export function write(line: string): void {
  lines.push(line);
  if (lines.length > most) lines.shift();
}

/**
 * The lines so far.
 * @safe
 */
export function read(): string[] {
  return lines;
}
