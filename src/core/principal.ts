/** Who a peer has proved to be, as far as access rules and functions need to know. */
export interface Principal {
  /** The name it is enrolled under; `local` for whoever calls without having said who it is. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** What of who calls a function has looked at: its identity, or its address too. */
export type ReadCaller = false | 'identity' | 'peer';

/** Who calls without having said who it is: plain CoAP. No identity can be enrolled under this name. */
export const anonymous: Principal = { name: 'local', groups: [] };
