/** Puts the calling thread behind the gateway's own where both want the same processor (transport/native/thread-priority.c). */
import { createRequire } from 'node:module';

/** @param addon its file; where there is none, or it does not load, the thread stays beside the gateway's */
export function lowerPriority(addon: string | undefined): void {
  if (addon === undefined) return;
  try {
    const native = createRequire(import.meta.url)(addon) as { readonly lowerPriority: () => number };
    native.lowerPriority();
  } catch {
    // It was there when the gateway started.
  }
}
