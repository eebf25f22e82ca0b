/** A request as the application sees it: whole, its options checked, its body assembled from blocks. */
import type { Block } from './blockwise/block-option.ts';
import type { Option } from './codec/options.ts';
import type { Peer } from './exchange/peer.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import type { Wording } from './wording.ts';

export class Request {
  /** Where its answer goes. */
  readonly exchange: ServerExchange;
  /** What it says: others may say the same. */
  readonly wording: Wording;
  /** The last Block1, for the answer to echo (RFC 7959 §2.3). */
  readonly block1: Block | undefined;
  /** The block of the response that is asked for. NUM above 0 comes here only where no kept response is continued. */
  readonly block2: Block | undefined;

  constructor(exchange: ServerExchange, wording: Wording, block1: Block | undefined, block2: Block | undefined) {
    this.exchange = exchange;
    this.wording = wording;
    this.block1 = block1;
    this.block2 = block2;
  }

  get peer(): Peer {
    return this.exchange.peer;
  }

  /** The method, 1 to 31. */
  get code(): number {
    return this.wording.code;
  }

  /** Ascending; only options that are understood, each of a valid length and count. */
  get options(): readonly Option[] {
    return this.wording.options;
  }

  get payload(): Uint8Array {
    return this.wording.payload;
  }

  get confirmable(): boolean {
    return this.exchange.confirmable;
  }

  get multicast(): boolean {
    return this.exchange.multicast;
  }
}
