/**
 * The keys of recent calls with few small arguments. A key is a string put together from parts, and V8 flattens and hashes it anew for
 * each lookup: most of the time that a hit takes. Here the arguments are hashed where they are and
 * compared with those that gave a key before; the key found is the very string that the store has hashed already.
 *
 * It holds keys only, no results, so nothing in it can be out of date.
 */
import type { Value } from '../core/value.ts';
import type { FunctionState } from './function-states.ts';

interface Remembered {
  readonly state: FunctionState;
  /** The key has the caller in it. */
  readonly private: boolean;
  readonly callerKey: string;
  readonly args: readonly Value[];
  readonly key: string;
}

/** A power of two. One slot for each hash: a newer call replaces an older one. */
const slots = 4096;
/** Calls with more, or longer, go the long way: they are hashed in longer time, and kept. */
const mostArguments = 8;
const longestText = 64;

export class KeyMemo {
  readonly #slots: (Remembered | undefined)[] = Array.from({ length: slots });

  find(state: FunctionState, callerKey: string, args: readonly Value[]): string | undefined {
    const hash = hashOf(state, args);
    const remembered = hash === undefined ? undefined : this.#slots[hash];
    if (remembered?.state !== state || remembered.private !== state.private) return undefined;
    if (remembered.private && remembered.callerKey !== callerKey) return undefined;
    return sameArguments(remembered.args, args) ? remembered.key : undefined;
  }

  remember(state: FunctionState, callerKey: string, args: readonly Value[], key: string): void {
    const hash = hashOf(state, args);
    if (hash === undefined) return;
    this.#slots[hash] = { state, private: state.private, callerKey, args: args.map(apart), key };
  }
}

/** Undefined where an argument is not a short text, a number or the like. FNV-1a over them, folded. */
function hashOf(state: FunctionState, args: readonly Value[]): number | undefined {
  if (args.length > mostArguments) return undefined;
  let hash = state.seed;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (typeof arg === 'number') {
      hash = Math.imul(hash ^ (arg | 0) ^ ((arg * 1024) | 0), 0x01000193);
    } else if (typeof arg === 'string') {
      if (arg.length > longestText) return undefined;
      for (let at = 0; at < arg.length; at++) hash = Math.imul(hash ^ arg.charCodeAt(at), 0x01000193);
      hash ^= arg.length;
    } else if (typeof arg === 'boolean' || arg == null) {
      hash = Math.imul(hash ^ (arg === true ? 3 : 5), 0x01000193);
    } else {
      return undefined;
    }
  }
  return ((hash >>> 16) ^ hash) & (slots - 1);
}

/**
 * V8 keeps a text that was cut from a longer one as a view of it, and a whole request with it. A copy holds itself only;
 * a lone surrogate has none in UTF-8, and stays as it is.
 */
function apart(arg: Value): Value {
  if (typeof arg !== 'string' || !arg.isWellFormed()) return arg;
  return Buffer.from(arg).toString();
}

/** Object.is: 0 and -0 are different arguments, NaN is one. */
function sameArguments(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
