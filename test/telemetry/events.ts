/** Events as the gateway publishes them. */
import type { RequestAnswered } from '../../src/core/channels.ts';

export const answered = (changes: Partial<RequestAnswered> = {}): RequestAnswered => ({
  peer: '127.0.0.1:49152',
  identity: 'local',
  method: 'FETCH',
  target: 'oslist/list',
  code: '2.05',
  problem: undefined,
  bytesIn: 39,
  bytesOut: 412,
  cache: 'hit',
  revalidated: false,
  queuedMs: 0,
  ranMs: 0,
  totalMs: 0.31,
  correlationId: 'c1',
  ...changes,
});
