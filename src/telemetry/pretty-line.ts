/** A log record as one line for people: time, level, what happened; for a request its outcome in columns. */
import type { RequestAnswered } from '../core/channels.ts';
import { printable, type Paint, type Tint } from './paint.ts';

/** The fields of a line, whatever they are. */
export type LogRecord = Readonly<Record<string, unknown>>;

const levels: ReadonlyMap<unknown, readonly [Tint, string]> = new Map([
  [10, ['dim', 'trace']],
  [20, ['dim', 'debug']],
  [30, ['green', 'info ']],
  [40, ['yellow', 'warn ']],
  [50, ['red', 'error']],
]);

const text = (value: unknown): string => printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

const codeTint = (code: string): Tint => (code.startsWith('2') ? 'green' : code.startsWith('4') ? 'yellow' : 'red');

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;

/** `FETCH oslist/list 2.05 hit 39 → 412 B 0.31 ms 127.0.0.1:49152` */
export function prettyRequest(event: RequestAnswered, time: number, paint: Paint, process?: number): string {
  const { method, target, code, problem, revalidated, cache, queuedMs, ranMs } = event;
  const notes = [problem, revalidated ? 'revalidated' : undefined, cache === 'none' ? undefined : cache];
  const ran = ranMs > 0 ? ` (queued ${milliseconds(queuedMs)}, ran ${milliseconds(ranMs)})` : '';
  const place = process === undefined ? '' : `, process ${process}`;
  const sizes = `${event.bytesIn} → ${event.bytesOut} B`;
  const line = [
    text(method).padEnd(5),
    paint('bold', text(target)),
    paint(codeTint(code), text(code)),
    ...notes.filter((note) => note !== undefined).map(text),
    paint('dim', `${sizes}, ${milliseconds(event.totalMs)}${ran}, ${text(event.peer)}${place}`),
  ];
  return `${head(time, 30, paint)} ${line.join(' ')}`;
}

const ownFields = new Set(['level', 'time', 'msg', 'event', 'stack']);

function eventLine(record: LogRecord, paint: Paint): string {
  const fields = Object.entries(record)
    .filter(([name, value]) => !ownFields.has(name) && value !== undefined)
    // The sentence says it.
    .filter(([name]) => name !== 'state' || record['event'] !== 'library')
    .map(([name, value]) => paint('dim', `${name}=${text(value)}`));
  const { stack } = record;
  // A stack is many lines by nature; each is made harmless by itself.
  const trace =
    typeof stack === 'string'
      ? stack
          .trimEnd()
          .split('\n')
          .map((line) => `\n    ${printable(line)}`)
      : [];
  return [text(record['msg']), ...fields].join(' ') + paint('dim', trace.join(''));
}

/** One line, without its end, for a record as pino writes it. */
export const prettyLine = (record: LogRecord, paint: Paint): string =>
  `${head(Number(record['time']), record['level'], paint)} ${eventLine(record, paint)}`;

function head(milliseconds: number, of: unknown, paint: Paint): string {
  const [tint, level] = levels.get(of) ?? ['red', text(of)];
  const time = new Date(milliseconds);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const millis = String(time.getMilliseconds()).padStart(3, '0');
  return `${paint('dim', `${clock}.${millis}`)} ${paint(tint, level)}`;
}
