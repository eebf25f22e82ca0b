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
    .option('--key-file <file>', 'for coaps://: the file with its key, shared or private; - is the input')
    .option('--certificate <file>', 'for coaps://: who it is, by the certificate that `funcoap enroll` gave')
    .option('--ca <file>', "for coaps://: the authority of the gateway's certificate")
    .option('--crl <file>', 'for coaps://: what that authority has revoked, in PEM')
    .option('--gateway-key <file>', "for coaps://: the gateway's raw public key")
    .option('--no-cid', 'for coaps://: without a Connection ID (RFC 9146)')
    .option('--timeout <duration>', 'give up after this long: 5s, 500ms, 1m');

/** For an option that may be repeated. */
export const collected = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
];

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((text) => `  ${text}\n`).join('')}`;
