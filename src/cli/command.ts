/** What the commands share: their options, and how one ends. */
import { Option, type Command } from 'commander';
import type { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** Adds one command to the program; `done` takes its exit code. */
export type AddCommand = (program: Command, terminal: Terminal, done: (code: ExitCode) => void) => void;

export const jsonOption = (): Option => new Option('--json', 'print JSON, for scripts');

export const connectionOptions = (command: Command): Command =>
  command
    .option('-v, --verbose', 'show each message with its bytes')
    .option('--identity <name>', 'for coaps://: who it is, by the PSK identity that `funcoap enroll` gave')
    .option('--key-file <file>', 'for coaps://: the file with its key; - is the input')
    .option('--timeout <duration>', 'give up after this long: 5s, 500ms, 1m');

/** For an option that may be repeated. */
export const collected = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((text) => `  ${text}\n`).join('')}`;
