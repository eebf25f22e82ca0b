/** How a command ended, for scripts. Listed in docs/cli.md. */
export const exitCode = {
  ok: 0,
  /** A fault of funcoap itself. */
  internal: 1,
  /** Something on the command line or in the configuration is wrong. */
  usage: 2,
  /** No answer: timed out, unreachable, unknown name. */
  noAnswer: 3,
  /** The peer answered 4.xx. */
  refused: 4,
  /** The peer answered 5.xx, or with something that cannot be understood. */
  failed: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
