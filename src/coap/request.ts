/** A request as the application sees it: whole, its options checked, its body assembled from blocks. */
import type { Block } from './blockwise/block-option.ts';
import type { Option } from './codec/options.ts';
import type { Peer } from './exchange/peer.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';

export interface Request {
  readonly peer: Peer;
  /** The method, 1 to 31. */
  readonly code: number;
  /** Ascending; only options that are understood, each of a valid length and count. */
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  readonly confirmable: boolean;
  readonly multicast: boolean;
  /** The block of the response that is asked for. NUM above 0 comes here only where no kept response is continued. */
  readonly block2: Block | undefined;
  /** Where its answer goes. */
  readonly exchange: ServerExchange;
  /** The last Block1, for the answer to echo (RFC 7959 §2.3). */
  readonly block1: Block | undefined;
}
