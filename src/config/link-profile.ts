/**
 * Link profiles: how to talk to peers behind one kind of link (a LAN, a sleepy Thread mesh, NB-IoT),
 * chosen by the peer's address. Transmission parameters are those of RFC 7252 §4.8; what can be
 * derived from them (EXCHANGE_LIFETIME and the like) is computed by the engine, never set.
 */
import { BlockList, isIP } from 'node:net';
import type { Milliseconds } from '../core/duration.ts';
import type { Bytes } from './units.ts';

export interface LinkProfile {
  readonly name: string;
  /** ACK_TIMEOUT. */
  readonly ackTimeout: Milliseconds;
  /** ACK_RANDOM_FACTOR, at least 1. */
  readonly ackRandomFactor: number;
  /** MAX_RETRANSMIT. */
  readonly maxRetransmit: number;
  /** NSTART: confirmable messages of ours that may be outstanding towards one peer. */
  readonly nstart: number;
  /** How long an answer may wait to travel in the acknowledgement (RFC 7252 §5.2.1). */
  readonly piggybackWindow: Milliseconds;
  /** Block size for a peer that stated none (RFC 7959): 16, 32, … 1024. */
  readonly blockSize: number;
  /** The longest request body assembled from such a peer. */
  readonly maxBody: Bytes;
}

/** What differs from another profile. */
export type LinkOverrides = { readonly [K in keyof Omit<LinkProfile, 'name'>]?: LinkProfile[K] | undefined };

/** A profile for the peers whose address lies under `match`: an address or a prefix (`10.1.0.0/16`). */
export interface MatchedProfile extends LinkProfile {
  readonly match: string;
}

/** An address block: 32 or 128 bits of prefix where a single address was written. */
export interface AddressBlock {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.1.0.0/16`, `fd00::/8`, `10.1.2.3`; undefined where the text is none of them. */
export function parseAddressBlock(text: string): AddressBlock | undefined {
  const [address = '', prefixText, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || address.includes('%')) return undefined;
  const longest = version === 4 ? 32 : 128;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? longest : Number(prefixText);
  if (prefix > longest) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/**
 * A look-up from a peer's address to its profile: the longest matching prefix wins, as in a routing
 * table, so the order in the file does not matter; `fallback` where none matches.
 */
export function profileLookup(
  profiles: readonly MatchedProfile[],
  fallback: LinkProfile,
): (address: string) => LinkProfile {
  const rules = profiles
    .flatMap((profile) => {
      const block = parseAddressBlock(profile.match);
      if (block === undefined) return [];
      const list = new BlockList();
      list.addSubnet(block.address, block.prefix, block.family);
      return [{ profile, list, block }];
    })
    .toSorted((a, b) => b.block.prefix - a.block.prefix);
  return (address) => {
    if (rules.length === 0) return fallback;
    const bare = address.split('%', 1)[0] ?? address;
    const family = bare.includes(':') ? 'ipv6' : 'ipv4';
    for (const rule of rules) {
      if (rule.block.family === family && rule.list.check(bare, family)) return rule.profile;
    }
    return fallback;
  };
}
