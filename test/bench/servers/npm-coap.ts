/**
 * The call of the benchmark, served by npm `coap` as its documentation shows: a handler that decodes the
 * arguments, computes, encodes, and answers with ETag and Max-Age.
 *
 * usage: node npm-coap-server.ts PORT
 */
import { createHash } from 'node:crypto';
import { decode, encode } from 'cborg';
import { createServer, type IncomingMessage, type OutgoingMessage } from 'coap';

function argumentsOf(request: IncomingMessage): readonly unknown[] {
  if (request.payload.length > 0) {
    const body: unknown = decode(request.payload);
    return Array.isArray(body) ? body : [];
  }
  const query = new URLSearchParams(request.url.split('?')[1]);
  return [Number(query.get('a')), Number(query.get('b'))];
}

function answer(request: IncomingMessage, response: OutgoingMessage): void {
  const [a, b] = argumentsOf(request);
  const body = encode(Number(a) + Number(b));
  const etag = createHash('sha256').update('60').update(body).digest().subarray(0, 4);
  const asked = request.headers['ETag'];
  response.setOption('ETag', etag);
  response.setOption('Max-Age', 3600);
  if (asked !== undefined && asked !== null && String(asked) === etag.toString()) {
    response.code = '2.03';
    response.end();
    return;
  }
  response.setOption('Content-Format', 'application/cbor');
  response.end(Buffer.from(body));
}

const server = createServer({ type: 'udp4' }, answer);
server.listen(Number(process.argv[2]), '127.0.0.1');
