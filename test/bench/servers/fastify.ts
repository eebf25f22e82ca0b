/**
 * The call of the benchmark as a route of fastify with schemas for what goes in and out, as its documentation
 * recommends for speed.
 *
 * usage: node fastify.ts PORT
 */
import { fastify } from 'fastify';
import { sumOf } from './sum.ts';

const server = fastify();
server.post(
  '/func/bench/add',
  {
    schema: {
      body: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
      response: { 200: { type: 'number' } },
    },
  },
  (request, reply) => reply.send(sumOf(request.body)),
);
await server.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
