/**
 * The terms of a request: its method and options, which is all but who asks, for which payload, and under which Message ID
 * and token. What the engine reads from them is read once; calls of one function with other arguments each time share them.
 */
import { findBlock, type Block } from './blockwise/block-option.ts';
import { codeClass, responseCode } from './codec/codes.ts';
import { findOption, findStrings, findUint, optionNumber, type Option } from './codec/options.ts';
import { checkOptions } from './option-check.ts';

/** An option that is understood, and asks for what there is not: a proxy; a Hop-Limit of 0; a block of the reserved size. */
export type TermsFault = 'proxy' | 'hop-limit' | 'block';

export class Terms {
  readonly code: number;
  /** As they came. */
  readonly sent: readonly Option[];
  /** Only those that are understood, each of a valid length and count. */
  readonly options: readonly Option[];
  /** The number of the critical option for which the request fails (RFC 7252 §5.4.1). */
  readonly badOption: number | undefined;
  readonly fault: TermsFault | undefined;
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
  readonly observe: number | undefined;
  readonly echo: Uint8Array | undefined;
  /** Size2 is asked for (RFC 7959 §4). */
  readonly wantsSize: boolean;
  /** The bytes of the options, where these terms are remembered by them. */
  readonly bytes: Uint8Array | undefined;
  /** For who answers: what he worked out from these terms, as long as they are remembered. */
  note: unknown = undefined;
  readonly #noResponse: number | undefined;
  #path: readonly string[] | undefined = undefined;
  #query: readonly string[] | undefined = undefined;
  #isText = true;

  constructor(code: number, sent: readonly Option[], bytes: Uint8Array | undefined) {
    const checked = checkOptions(sent);
    const isBad = typeof checked === 'number';
    const options = isBad ? [] : checked;
    this.code = code;
    this.bytes = bytes;
    this.sent = sent;
    this.options = options;
    this.badOption = isBad ? checked : undefined;
    const block1 = findBlock(isBad ? sent : options, optionNumber.block1);
    const block2 = findBlock(options, optionNumber.block2);
    const isReserved = block1 === 'invalid' || block2 === 'invalid';
    this.fault = isReserved ? 'block' : faultIn(options);
    this.block1 = isReserved ? undefined : block1;
    this.block2 = isReserved ? undefined : block2;
    this.observe = findUint(options, optionNumber.observe);
    this.echo = findOption(options, optionNumber.echo);
    this.wantsSize = findOption(options, optionNumber.size2) !== undefined;
    this.#noResponse = findUint(isBad ? sent : options, optionNumber.noResponse);
  }

  /** Uri-Path and Uri-Query as texts; undefined where one of them is not UTF-8 (RFC 7252 §3.2). */
  get uri(): { readonly path: readonly string[]; readonly query: readonly string[] } | undefined {
    if (this.#path === undefined || this.#query === undefined) {
      const path = findStrings(this.options, optionNumber.uriPath);
      const query = findStrings(this.options, optionNumber.uriQuery);
      this.#isText = path !== undefined && query !== undefined;
      this.#path = path ?? [];
      this.#query = query ?? [];
    }
    return this.#isText ? { path: this.#path, query: this.#query } : undefined;
  }

  /** A block of a body that is not the last runs nothing, whatever the method (RFC 7959 §2.5). */
  get isIntermediate(): boolean {
    return this.block1?.more === true;
  }

  /**
   * RFC 7252 §8.2: nothing useful to say to a multicast request is not said; unless No-Response says which classes are wanted
   * (RFC 7967 §2: it overrides that). Its bit n - 1 suppresses class n. A 2.31 carries the transfer on and is no final response.
   */
  suppresses(code: number, multicast: boolean): boolean {
    if (this.#noResponse === undefined) return multicast && codeClass(code) !== 2;
    return code !== responseCode.continue && (this.#noResponse & (1 << (codeClass(code) - 1))) !== 0;
  }
}

function faultIn(options: readonly Option[]): TermsFault | undefined {
  // RFC 7252 §5.7.2
  const isForProxy = (number: number): boolean =>
    number === optionNumber.proxyUri || number === optionNumber.proxyScheme;
  if (options.some(({ number }) => isForProxy(number))) return 'proxy';
  // RFC 8768 §3: 0 MUST be rejected.
  return findUint(options, optionNumber.hopLimit) === 0 ? 'hop-limit' : undefined;
}
