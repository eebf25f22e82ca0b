/** Which of two notifications is newer (RFC 7641 §3.4). */
import { seconds, type Instant } from '../../core/duration.ts';

const halfOfSequence = 1 << 23;
const reorderingWindow = seconds(128);

export class NotificationOrder {
  #last: { readonly sequence: number; readonly at: Instant } | undefined;

  /** True when this notification is the newest so far, which it then is. */
  isNewer(sequence: number, now: Instant): boolean {
    const last = this.#last;
    const newer =
      last === undefined ||
      (last.sequence < sequence && sequence - last.sequence < halfOfSequence) ||
      (last.sequence > sequence && last.sequence - sequence > halfOfSequence) ||
      now > last.at + reorderingWindow;
    if (newer) this.#last = { sequence, at: now };
    return newer;
  }
}
