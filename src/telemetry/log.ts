/** The log: one JSON object a line (pino), or one readable line on a terminal. */
import { isatty } from 'node:tty';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { RequestAnswered } from '../core/channels.ts';
import { accessLine } from './access-line.ts';
import { openLineWriter } from './line-writer.ts';
import { paintFor } from './paint.ts';
import { prettyLine, prettyRequest, type LogRecord } from './pretty-line.ts';

export interface LogOptions {
  readonly level: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  readonly format: 'auto' | 'json' | 'pretty';
  /** Where the lines go; 2, the error output, leaves the output to what was asked for. */
  readonly fileDescriptor: number;
  /** Whether the lines end up on a terminal; undefined: look at the file descriptor. */
  readonly isTerminal?: boolean;
  /** Number of the gateway process, where there are several: every line has it. */
  readonly process?: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  readonly timeOfDay: () => number;
}

export interface Log {
  readonly logger: Logger;
  /** Writes the line of one request, whatever the level. */
  readonly access: (event: RequestAnswered) => void;
  /** Writes lines of another process as they are; resolves when they are out. */
  readonly relay: (lines: string) => Promise<void>;
  /** Lines that a slow reader has cost so far. */
  readonly lost: () => number;
  /** Waits until what was logged before is written. */
  readonly flush: () => Promise<void>;
  /** Waits until all is written. */
  readonly close: () => Promise<void>;
}

export function openLog(options: LogOptions): Log {
  const { environment, fileDescriptor, level, format, timeOfDay, process } = options;
  const isTTY = options.isTerminal ?? isatty(fileDescriptor);
  const base = process === undefined ? null : { process };
  const isPretty = format === 'pretty' || (format === 'auto' && isTTY);
  const lines = openLineWriter(fileDescriptor);
  const paint = paintFor({ isTTY }, environment);
  const pretty: DestinationStream = {
    write: (line) => {
      lines.write(`${prettyLine(Object(JSON.parse(line)) as LogRecord, paint)}\n`);
    },
  };
  // Numbers are what pino compares by; a machine that reads the lines wants names.
  const formatters = isPretty ? {} : { level: (label: string) => ({ level: label }) };
  return {
    logger: pino({ level, base, formatters }, isPretty ? pretty : lines),
    access: isPretty
      ? (event) => {
          lines.write(`${prettyRequest(event, timeOfDay(), paint, process)}
`);
        }
      : (event) => {
          lines.write(`${accessLine(event, timeOfDay(), process)}\n`);
        },
    relay(text) {
      lines.write(text);
      return lines.flush();
    },
    lost: lines.lost,
    flush: lines.flush,
    close: lines.close,
  };
}
