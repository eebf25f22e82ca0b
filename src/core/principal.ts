import type { TimeOfDay } from './time-of-day.ts';

/** Who a peer has proved to be, as far as access rules and functions need to know. */
export interface Principal {
  /** The name it is enrolled under; `local` for whoever calls without having said who it is. */
  readonly name: string;
  readonly groups: readonly string[];
  /** A name that was revoked may be given again, to somebody else: who has it since when. Left out where nobody is enrolled. */
  readonly enrolled?: TimeOfDay | undefined;
}

/** What of who calls a function has looked at: its identity, or its address too. */
export type ReadCaller = false | 'identity' | 'peer';

/** Who calls without having said who it is: plain CoAP. No identity can be enrolled under this name. */
export const anonymous: Principal = { name: 'local', groups: [] };
