/**
 * One line of the access log as JSON. Written by hand, a tenth of the cost of a general logger's:
 * this is the one line that is written for every request.
 */
import type { RequestAnswered } from '../core/channels.ts';

/** Printable ASCII without quotation mark and backslash needs no escape; JSON.stringify does the rest right. */
const simple = /^[ !#-[\]-~]*$/;

const quoted = (text: string): string => (simple.test(text) ? `"${text}"` : JSON.stringify(text));

/** Microseconds are the finest that means anything. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/**
 * The line without its end; `time` in milliseconds since 1970, as in all lines of the log.
 *
 * @param process number of the gateway process, where there are several
 */
export function accessLine(event: RequestAnswered, time: number, process?: number): string {
  const calls = event.calls === undefined ? '' : `,"calls":[${event.calls.map(quoted).join(',')}]`;
  const problem = event.problem === undefined ? '' : `,"problem":${quoted(event.problem)}`;
  return (
    `{"level":"info","time":${time}${process === undefined ? '' : `,"process":${process}`},"event":"request"` +
    `,"peer":${quoted(event.peer)},"identity":${quoted(event.identity)}` +
    `,"method":${quoted(event.method)},"target":${quoted(event.target)}${calls}` +
    `,"code":${quoted(event.code)}${problem}` +
    `,"bytesIn":${event.bytesIn},"bytesOut":${event.bytesOut}` +
    `,"cache":${quoted(event.cache)},"revalidated":${event.revalidated}` +
    `,"queuedMs":${rounded(event.queuedMs)},"ranMs":${rounded(event.ranMs)}` +
    `,"totalMs":${rounded(event.totalMs)},"correlationId":${quoted(event.correlationId)}}`
  );
}
