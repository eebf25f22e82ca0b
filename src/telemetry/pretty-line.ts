/** A log record as one line for people: time, level, what happened; for a request its outcome in columns. */
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

const codeTint = (code: unknown): Tint =>
  String(code).startsWith('2') ? 'green' : String(code).startsWith('4') ? 'yellow' : 'red';

const milliseconds = (value: unknown): string =>
  typeof value === 'number' ? `${value < 10 ? value.toFixed(2) : Math.round(value)} ms` : '';

/** `FETCH oslist/list 2.05 hit 39 → 412 B 0.31 ms 127.0.0.1:49152` */
function requestLine(record: LogRecord, paint: Paint): string {
  const code = paint(codeTint(record['code']), text(record['code']));
  const notes = [
    record['problem'],
    record['revalidated'] === true ? 'revalidated' : undefined,
    record['cache'] === 'none' ? undefined : record['cache'],
  ].filter((note) => note !== undefined);
  const ran =
    typeof record['ranMs'] === 'number' && record['ranMs'] > 0
      ? ` (queued ${milliseconds(record['queuedMs'])}, ran ${milliseconds(record['ranMs'])})`
      : '';
  const sizes = `${text(record['bytesIn'])} → ${text(record['bytesOut'])} B`;
  return [
    text(record['method']).padEnd(5),
    paint('bold', text(record['target'])),
    code,
    ...notes.map(text),
    paint('dim', `${sizes}, ${milliseconds(record['totalMs'])}${ran}, ${text(record['peer'])}`),
  ].join(' ');
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
  const trace = typeof stack === 'string' ? stack.split('\n').map((line) => `\n    ${printable(line)}`) : [];
  return [text(record['msg']), ...fields].join(' ') + paint('dim', trace.join(''));
}

/** One line, without its end, for a record as pino writes it. */
export function prettyLine(record: LogRecord, paint: Paint): string {
  const [tint, level] = levels.get(record['level']) ?? ['red', text(record['level'])];
  const time = new Date(Number(record['time']));
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const millis = String(time.getMilliseconds()).padStart(3, '0');
  const line = record['event'] === 'request' ? requestLine(record, paint) : eventLine(record, paint);
  return `${paint('dim', `${clock}.${millis}`)} ${paint(tint, level)} ${line}`;
}
