/** Tells logs and metrics of what outlasts one answer: jobs, streams, observed results. */
import { channels, type OngoingChanged } from '../core/channels.ts';
import type { Call } from '../functions/call.ts';

/** What outlasts one answer, in this process. */
export interface OngoingCounters {
  /** That run. */
  readonly jobs: number;
  readonly streams: number;
  readonly watches: number;
}

/** Whose it is. */
export interface OngoingCall {
  readonly function: Pick<Call['function'], 'library' | 'method'>;
  readonly caller: Call['caller'];
  readonly correlationId: string;
}

/** @param problem what it ended with, or was refused for */
export function tellOngoing(
  kind: OngoingChanged['kind'],
  state: OngoingChanged['state'],
  { function: fn, caller: { peer, identity }, correlationId }: OngoingCall,
  problem?: string,
): void {
  if (!channels.ongoing.hasSubscribers) return;
  channels.ongoing.publish({
    kind,
    state,
    target: `${fn.library}/${fn.method}`,
    peer,
    identity,
    problem,
    correlationId,
  });
}
