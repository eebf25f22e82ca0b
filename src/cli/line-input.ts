/** Lines that a person types, with editing, history and completion, or that come from a file or another program. */
import { createInterface } from 'node:readline';

export interface LineInputOptions {
  readonly prompt: string;
  /** The newest first. */
  readonly history: readonly string[];
  readonly complete: (line: string) => Promise<readonly [words: string[], stem: string]>;
}

export interface LineInput {
  readonly lines: AsyncIterable<string>;
  /** Asks for the next one. */
  prompt(): void;
  /** What Ctrl-C does. */
  onInterrupt(interrupted: () => void): void;
  /** The newest first. */
  history(): readonly string[];
  close(): void;
}

export function openLineInput(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  options: LineInputOptions,
): LineInput {
  const isTerminal = input.isTTY;
  let history: readonly string[] = options.history;
  const reader = createInterface({
    input,
    terminal: isTerminal,
    prompt: options.prompt,
    history: [...options.history],
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
      options.complete(line).then(
        ([words, stem]) => done(null, [[...words], stem]),
        // What cannot be completed is not completed.
        () => done(null, [[], line]),
      );
    },
    ...(isTerminal && { output }),
  });
  // Lines that are there at once are not lost while the first one is worked on.
  const lines = reader[Symbol.asyncIterator]();
  reader.on('history', (all) => {
    history = all;
  });
  return {
    lines: { [Symbol.asyncIterator]: () => lines },
    prompt: () => {
      if (isTerminal) reader.prompt();
    },
    onInterrupt: (interrupted) => {
      reader.on('SIGINT', interrupted);
    },
    history: () => history,
    close: () => reader.close(),
  };
}
