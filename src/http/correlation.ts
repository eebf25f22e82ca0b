/** What ties the log lines of one call together: the client's own word for it where it has one that can stand in a log. */
import type { IncomingHttpHeaders } from 'node:http';

const requestId = /^[A-Za-z0-9._~-]{1,64}$/;
/** https://www.w3.org/TR/trace-context: version 00, trace-id, parent-id, flags. */
const traceParent = /^00-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** Undefined where the client has given none, or one that means nothing. */
export function givenCorrelation(headers: IncomingHttpHeaders): string | undefined {
  const { 'x-request-id': id, traceparent } = headers;
  if (typeof id === 'string' && requestId.test(id)) return id;
  return typeof traceparent === 'string' ? traceParent.exec(traceparent)?.[1] : undefined;
}
