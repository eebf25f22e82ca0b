/** The other side of crossing.ts: gives back what it gets, the way it came. */
import { parentPort, workerData } from 'node:worker_threads';
import { Link, type Parcel } from '../../../src/functions/runtimes/node/link.ts';
import type { CrossingStart, PlainCall } from './crossing.ts';

const { way, incoming, outgoing } = workerData as CrossingStart;
const port = parentPort;
const answer = ({ id, args }: PlainCall): unknown => ({
  kind: 'done',
  id,
  value: args[0],
  readCaller: false,
  tags: [],
});

if (way === 'a message each') {
  port?.on('message', (call: PlainCall) => port.postMessage(answer(call)));
} else if (way === 'batched messages') {
  port?.on('message', (calls: readonly PlainCall[]) => port.postMessage(calls.map(answer)));
} else {
  const link = new Link({
    incoming,
    outgoing,
    post: (parcel, transfer) => port?.postMessage(parcel, transfer),
    frame: (reader) => {
      const frame = link.begin();
      frame.float(reader.float());
      frame.value(reader.arguments()[0]);
      link.send();
    },
    message: () => undefined,
  });
  const drain = (read: () => boolean): void => {
    if (!read()) setImmediate(() => drain(() => link.drain()));
    link.wake();
  };
  port?.on('message', (parcel: Parcel) => drain(() => link.accept(parcel)));
}
