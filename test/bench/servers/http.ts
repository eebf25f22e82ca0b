/**
 * The call of the benchmark over Node's own HTTP server: JSON in, JSON out.
 *
 * usage: node http.ts PORT
 */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { sumOf } from './sum.ts';

const server = createServer((request, response) => {
  text(request).then(
    (body) => {
      const answer = JSON.stringify(sumOf(JSON.parse(body)));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
      response.end(answer);
    },
    () => response.writeHead(400).end(),
  );
});
server.listen(Number(process.argv[2]), '127.0.0.1');
