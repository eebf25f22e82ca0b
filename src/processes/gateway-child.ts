/** A gateway process from the supervisor's side: started, told, heard, and its output read line by line. */
import { fork, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Assignment, FromProcess, ToProcess } from './messages.ts';
import { WholeLines } from './whole-lines.ts';

export interface ChildListener {
  readonly told: (message: FromProcess) => void;
  /** Lines of its log; it writes no more than is taken. */
  readonly logged: (lines: string) => Promise<void>;
  /** A line that is not of its log: of an inline function, of Node itself when it gives up. */
  readonly printed: (stream: 'stdout' | 'stderr', line: string) => void;
  /** `how` completes "it ended …". */
  readonly ended: (how: string) => void;
}

export interface GatewayChild {
  readonly pid: number | undefined;
  readonly tell: (message: ToProcess) => void;
  /** At once. */
  readonly kill: () => void;
}

export interface ChildOptions {
  /** The program, which calls `supervised`. */
  readonly entry: URL;
  readonly assignment: Assignment;
  /** Of the sockets that it is to adopt. */
  readonly sockets: readonly number[];
}

export function startChild({ entry, assignment, sockets }: ChildOptions, listener: ChildListener): GatewayChild {
  // The argument is for people who look at the list of processes.
  const child = fork(entry, [`${assignment.number}/${assignment.of}`], {
    // The fourth is Node's channel, the fifth `logFileDescriptor`, then those from `firstSocketDescriptor` on.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe', ...sockets],
    // Descriptions hold what JSON does not.
    serialization: 'advanced',
    // As of worker threads: node:sqlite and type stripping print nothing that its operator could act on.
    execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
  });
  let hasEnded = false;
  const ended = (how: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    listener.ended(how);
  };
  child.on('message', (message) => listener.told(message as FromProcess));
  child.on('error', (error) => {
    if (child.pid === undefined) ended(`because it could not be started: ${error.message}`);
  });
  child.once('exit', (code, signal) => {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    // What it told last may still be on its way; the channel is closed after it.
    if (child.connected) child.once('disconnect', () => ended(how));
    else ended(how);
  });
  const tell = (message: ToProcess): void => {
    // One that has just ended is told of by `exit`.
    if (child.connected) child.send(message, () => {});
  };
  void relay(child, listener);
  tell({ kind: 'load', assignment });
  return { pid: child.pid, tell, kill: () => child.kill('SIGKILL') };
}

async function relay({ stdout, stderr, stdio }: ChildProcess, { logged, printed }: ChildListener): Promise<void> {
  await Promise.all([
    eachLines(stdio[4], logged),
    eachLines(stdout, (lines) => print(lines, 'stdout')),
    eachLines(stderr, (lines) => print(lines, 'stderr')),
  ]);

  function print(lines: string, stream: 'stdout' | 'stderr'): Promise<void> {
    for (const line of lines.split('\n')) if (line !== '') printed(stream, line);
    return Promise.resolve();
  }
}

/** The next is read when `take` is done with the last. What is no whole line when it ends has lost its end. */
async function eachLines(stream: ChildProcess['stdio'][number], take: (lines: string) => Promise<void>): Promise<void> {
  if (!isReadable(stream)) return;
  const whole = new WholeLines();
  stream.setEncoding('utf8');
  try {
    for await (const text of stream) {
      const lines = whole.take(String(text));
      if (lines !== '') await take(lines);
    }
  } catch {
    // Its process is gone, which `exit` tells.
  }
}

const isReadable = (stream: ChildProcess['stdio'][number]): stream is Readable =>
  stream !== null && stream !== undefined && 'read' in stream;
