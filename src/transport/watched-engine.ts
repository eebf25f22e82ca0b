/** An engine whose datagrams are seen on their way in and out, while somebody looks. */
import type { Datagram } from '../core/datagram.ts';
import type { SansIoEngine } from './driver.ts';

export interface Watcher {
  /** Asked once for each batch. */
  readonly looks: () => boolean;
  readonly see: (direction: 'in' | 'out', datagram: Datagram) => void;
}

export function watched(engine: SansIoEngine, { looks, see }: Watcher): SansIoEngine {
  return {
    receive: (batch, now) => {
      if (looks()) for (const datagram of batch) see('in', datagram);
      engine.receive(batch, now);
    },
    poll: (now) => engine.poll(now),
    nextDeadline: () => engine.nextDeadline(),
    takeOutput: () => {
      const output = engine.takeOutput();
      if (output.length > 0 && looks()) for (const datagram of output) see('out', datagram);
      return output;
    },
    sendFailed: (failure, now) => engine.sendFailed?.(failure, now),
  };
}
