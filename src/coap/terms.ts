/**
 * The terms of a request: its method and options, which is all but who asks, for which payload, and under which Message ID
 * and token. What the engine reads from them is read once; calls of one function with other arguments each time share them.
 */
import { findBlock, type Block } from './blockwise/block-option.ts';
import { codeClass, responseCode } from './codec/codes.ts';
import { findOption, findStrings, findUint, optionNumber, type Option } from './codec/options.ts';
import { checkOptions } from './option-check.ts';

export class Terms {
  readonly code: number;
  /** As they came. */
  readonly sent: readonly Option[];
  /** Only those that are understood, each of a valid length and count. */
  readonly options: readonly Option[];
  /** The number of the critical option for which the request fails (RFC 7252 §5.4.1). */
  readonly badOption: number | undefined;
  readonly block1: Block | 'invalid' | undefined;
  readonly block2: Block | 'invalid' | undefined;
  readonly observe: number | undefined;
  readonly echo: Uint8Array | undefined;
  /** Proxy-Uri or Proxy-Scheme is there. */
  readonly forProxy: boolean;
  /** Size2 is asked for (RFC 7959 §4). */
  readonly wantsSize: boolean;
  /** The bytes of the options, where these terms are remembered by them. */
  readonly bytes: Uint8Array | undefined;
  /** For who answers: what he worked out from these terms, as long as they are remembered. */
  note: unknown = undefined;
  readonly #noResponse: number;
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
    this.block1 = findBlock(isBad ? sent : options, optionNumber.block1);
    this.block2 = findBlock(options, optionNumber.block2);
    this.observe = findUint(options, optionNumber.observe);
    this.echo = findOption(options, optionNumber.echo);
    this.forProxy =
      findOption(options, optionNumber.proxyUri) !== undefined ||
      findOption(options, optionNumber.proxyScheme) !== undefined;
    this.wantsSize = findOption(options, optionNumber.size2) !== undefined;
    this.#noResponse = findUint(isBad ? sent : options, optionNumber.noResponse) ?? 0;
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
    return this.block1 !== undefined && this.block1 !== 'invalid' && this.block1.more;
  }

  /** RFC 7967 §2.1: bit n - 1 suppresses class n. A 2.31 carries the transfer on and is no final response. */
  suppresses(code: number): boolean {
    if (this.#noResponse === 0) return false;
    return code !== responseCode.continue && (this.#noResponse & (1 << (codeClass(code) - 1))) !== 0;
  }
}
