/** How far a long block-wise transfer is, on the error output of a terminal; nothing elsewhere. */
import type { Terminal } from './terminal.ts';

export interface Progress {
  readonly report: (progress: { readonly sentBytes: number; readonly receivedBytes: number }) => void;
  /** Takes the line away again. */
  readonly clear: () => void;
}

/** A transfer of a few blocks is over before anybody could read about it. */
const shownFrom = 4096;

export function progressOn({ isErrTerminal, err }: Pick<Terminal, 'isErrTerminal' | 'err'>): Progress {
  let shown = '';
  return {
    report({ sentBytes, receivedBytes }) {
      if (!isErrTerminal || Math.max(sentBytes, receivedBytes) < shownFrom) return;
      const parts = [
        ...(sentBytes > 0 ? [`sent ${Math.ceil(sentBytes / 1024)} KiB`] : []),
        ...(receivedBytes > 0 ? [`received ${Math.ceil(receivedBytes / 1024)} KiB`] : []),
      ];
      const text = parts.join(', ');
      if (text === shown) return;
      shown = text;
      err(`\r\u001b[K${text}`);
    },
    clear() {
      if (shown !== '') err('\r\u001b[K');
      shown = '';
    },
  };
}
