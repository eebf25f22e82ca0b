/**
 * What becomes of the calls of a worker that is gone. Those that it had not begun go elsewhere; of those that it had, safe ones
 * run once more, and the rest have failed: nothing with side effects ever runs twice.
 */
import { isSeated } from './seats.ts';
import { slotState } from './runtimes/node/messages.ts';
import type { PendingCall } from './pending-call.ts';
import type { WorkerLane } from './worker-lane.ts';
import type { WorkerLoss } from './worker-port.ts';

export interface LostCalls {
  /** In the order in which they were accepted. */
  readonly again: readonly PendingCall[];
  readonly failed: readonly { readonly pending: PendingCall; readonly culprit: boolean }[];
}

/** @param loss undefined where the pool itself ended the worker */
export function sortLostCalls(lane: WorkerLane, loss: WorkerLoss | undefined): LostCalls {
  const again: PendingCall[] = [];
  const suspects: PendingCall[] = [];
  // Calls that were given up and still run may be to blame as well.
  let running = 0;
  for (const pending of lane.calls.values()) {
    const begun = !takeBack(lane, pending, slotState.offered) && !takeBack(lane, pending, slotState.ahead);
    pending.startedAt = begun ? pending.startedAt : undefined;
    if (begun) running++;
    if (pending.settled) continue;
    if (begun || isSeated(pending)) suspects.push(pending);
    else again.push(pending);
  }
  const failed: { pending: PendingCall; culprit: boolean }[] = [];
  for (const pending of suspects) {
    const culprit = loss !== undefined && (running === 1 || pending === lane.current);
    if (culprit || !pending.call.function.safe || pending.retried || isSeated(pending)) {
      failed.push({ pending, culprit });
      continue;
    }
    pending.retried = true;
    pending.startedAt = undefined;
    again.push(pending);
  }
  return { again: again.sort((a, b) => a.id - b.id), failed };
}

const takeBack = ({ port }: WorkerLane, { slot }: PendingCall, from: number): boolean =>
  Atomics.compareExchange(port.claims, slot, from, slotState.withdrawn) === from;
