/** Values for people: tables for rows, plain text for the rest. Scripts take --json or --cbor. */
import { encodeJson } from '../cbor/json-encode.ts';
import { hex } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import { escaped, plain, type Paint } from '../telemetry/paint.ts';
import type { Terminal } from './terminal.ts';

type Row = Readonly<Record<string, Value>>;

/** Text on a terminal keeps its line ends and tabs and nothing else that could drive one. */
const safe = (text: string): string => text.replace(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu, escaped);

const isRow = (value: Value): value is Row =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof Date) &&
  !(value instanceof Map);

function scalarText(value: Value): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return safe(value);
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && value !== null ? encodeJson(value) : String(value);
}

/** A cell is one line. */
const cellText = (value: Value): string => scalarText(value).replaceAll('\n', '\\n').replaceAll('\t', '\\t');

/** Columns as wide as their widest cell; numbers to the right. The last column ends where its text ends. */
export function tableText(
  header: readonly string[],
  rows: readonly (readonly Value[])[],
  paint: Paint = plain,
): string {
  const cells = rows.map((row) => row.map(cellText));
  const isNumeric = header.map((_, at) =>
    rows.every((row) => typeof row[at] === 'number' || typeof row[at] === 'bigint'),
  );
  const widths = header.map((name, at) => Math.max(name.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const lineOf = (texts: readonly string[]): string =>
    texts
      .map((text, at) => (isNumeric[at] === true ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [paint('bold', lineOf(header)), ...cells.map(lineOf)].join('\n');
}

function isTable(value: Value): value is readonly Row[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((row: Value) => isRow(row) && Object.keys(row).length > 0)
  );
}

/** The value without its line end; empty for a function that returned nothing. */
export function valueText(value: Value, paint: Paint = plain): string {
  if (isTable(value)) {
    const columns = [...new Set(value.flatMap((row) => Object.keys(row)))];
    return tableText(
      columns.map(cellText),
      value.map((row) => columns.map((column) => row[column])),
      paint,
    );
  }
  if (Array.isArray(value)) return value.map(cellText).join('\n');
  if (isRow(value)) {
    const width = Math.max(0, ...Object.keys(value).map((key) => cellText(key).length));
    return Object.entries(value)
      .map(([key, member]) => `${paint('bold', cellText(key).padEnd(width))}  ${cellText(member)}`)
      .join('\n');
  }
  return scalarText(value);
}

export interface PrintOptions {
  readonly json?: boolean;
}

/** One result. Bytes go as they are to a file or another program. */
export function printValue(value: Value, options: PrintOptions, terminal: Terminal): void {
  if (options.json === true) {
    terminal.out(`${encodeJson(value ?? null)}\n`);
    return;
  }
  if (value instanceof Uint8Array && !terminal.isOutTerminal) {
    terminal.out(value);
    return;
  }
  const text = valueText(value, terminal.outPaint);
  if (text !== '') terminal.out(`${text}\n`);
}

/** One after the other, as they come; `count` of them at most. */
export async function printValues(
  values: AsyncIterable<Value>,
  options: PrintOptions & { readonly count?: number },
  terminal: Terminal,
): Promise<void> {
  let left = options.count ?? Infinity;
  for await (const value of values) {
    printValue(value, options, terminal);
    if (--left <= 0) return;
  }
}
