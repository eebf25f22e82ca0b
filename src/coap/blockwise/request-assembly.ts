/**
 * Assembly of request bodies from Block1 (RFC 7959 §2.3, §2.5; RFC 9175 §3): atomic, in order, one body for each
 * peer and Cache-Key (which holds the Request-Tag). Left out: random access and parallel blocks.
 */
import { emptyBytes, equalBytes } from '../../core/bytes.ts';
import type { Instant, Milliseconds } from '../../core/duration.ts';
import { ExpiringMap } from '../../core/expiring-map.ts';
import { assemblyKey } from '../cache-key.ts';
import { findUint, optionNumber, type Option } from '../codec/options.ts';
import type { Peer } from '../exchange/peer.ts';
import { blockSize, type Block } from './block-option.ts';

export interface AssemblyOptions {
  /** All bodies under assembly. */
  readonly maxBytes: number;
  /** All bodies under assembly. */
  readonly maxBodies: number;
  /** How long an unfinished body waits for its next block. */
  readonly lifetime: Milliseconds;
}

export type AssemblyResult =
  | { readonly kind: 'continue' }
  | { readonly kind: 'complete'; readonly body: Uint8Array }
  /** A block is missing: 4.08. */
  | { readonly kind: 'incomplete' }
  /** 4.13 with Size1. */
  | { readonly kind: 'too-large' }
  /** A block that is not the last has not the size it states: 4.00. */
  | { readonly kind: 'bad-size' };

interface Assembly {
  buffer: Uint8Array;
  length: number;
}

/** The least that a body under assembly takes from the budget, so that empty ones are bounded too. */
const assemblyBytes = 1024;

export class RequestAssemblies {
  readonly #bodies: ExpiringMap<string, Assembly>;

  constructor(options: AssemblyOptions) {
    this.#bodies = new ExpiringMap({
      maxEntries: options.maxBodies,
      maxBytes: options.maxBytes,
      maxAge: options.lifetime,
    });
  }

  get bytes(): number {
    return this.#bodies.bytes;
  }

  /** Lets go of bodies whose next block has not come within their lifetime. */
  expire(now: Instant): void {
    this.#bodies.expire(now);
  }

  add(
    peer: Peer,
    code: number,
    options: readonly Option[],
    block: Block,
    payload: Uint8Array,
    now: Instant,
  ): AssemblyResult {
    const size = blockSize(block.szx);
    // RFC 7959 §2.3: only the last block may be shorter, and none may be longer.
    if (block.more ? payload.length !== size : payload.length > size) return { kind: 'bad-size' };
    const from = block.num * size;
    const announced = findUint(options, optionNumber.size1) ?? 0;
    if (Math.max(announced, from + payload.length) > peer.parameters.maxBodyBytes) return { kind: 'too-large' };
    if (block.num === 0 && !block.more) return { kind: 'complete', body: payload };

    const key = `${peer.id} ${assemblyKey(code, options)}`;
    const known = block.num === 0 ? undefined : this.#bodies.get(key, now);
    if (known === undefined && block.num > 0) return { kind: 'incomplete' };
    const assembly = known ?? { buffer: emptyBytes, length: 0 };
    if (block.more && isRepeated(assembly, from, payload)) return { kind: 'continue' };
    if (from !== assembly.length) {
      this.#bodies.delete(key);
      return { kind: 'incomplete' };
    }
    append(assembly, payload);
    if (!block.more) {
      this.#bodies.delete(key);
      return { kind: 'complete', body: assembly.buffer.subarray(0, assembly.length) };
    }
    this.#bodies.set(key, assembly, assembly.buffer.length + 2 * key.length + assemblyBytes, now);
    return { kind: 'continue' };
  }
}

/** The block before, sent again under a new Message ID because its answer was lost. */
const isRepeated = (assembly: Assembly, from: number, payload: Uint8Array): boolean =>
  payload.length > 0 &&
  from + payload.length === assembly.length &&
  equalBytes(assembly.buffer.subarray(from, assembly.length), payload);

function append(assembly: Assembly, payload: Uint8Array): void {
  const length = assembly.length + payload.length;
  if (length > assembly.buffer.length) {
    const grown = new Uint8Array(Math.max(length, assembly.buffer.length * 2, 1024));
    grown.set(assembly.buffer.subarray(0, assembly.length));
    assembly.buffer = grown;
  }
  assembly.buffer.set(payload, assembly.length);
  assembly.length = length;
}
