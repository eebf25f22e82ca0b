/** An engine whose datagrams are seen on their way in and out. */
import type { Datagram } from '../core/datagram.ts';
import type { SansIoEngine } from './driver.ts';

export function watched(
  engine: SansIoEngine,
  see: (direction: 'in' | 'out', datagram: Datagram) => void,
): SansIoEngine {
  return {
    receive: (batch, now) => {
      for (const datagram of batch) see('in', datagram);
      engine.receive(batch, now);
    },
    poll: (now) => engine.poll(now),
    nextDeadline: () => engine.nextDeadline(),
    takeOutput: () => {
      const output = engine.takeOutput();
      for (const datagram of output) see('out', datagram);
      return output;
    },
    sendFailed: (failure, now) => engine.sendFailed?.(failure, now),
  };
}
