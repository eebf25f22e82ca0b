/**
 * The kinds of value a setting can have, as Zod types that know how to say what is allowed.
 * A setting is such a type plus its default, as a person would write it, and one sentence.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Milliseconds } from '../core/duration.ts';
import { parseAddressBlock } from './link-profile.ts';
import { parseBytes, parseDuration, type Bytes } from './units.ts';

export type SettingKind =
  | 'integer'
  | 'number'
  | 'boolean'
  | 'text'
  | 'duration'
  | 'size'
  | 'list'
  | 'folder'
  | 'objects';

export interface SettingMeta {
  readonly kind: SettingKind;
  /** Completes "must be …". */
  readonly allowed: string;
  /** As a person would write it; undefined where the loader computes it (`defaultText` says how). */
  readonly default?: unknown;
  readonly defaultText?: string;
  /** Undefined on a type that is only a part of a setting. */
  readonly doc?: string;
}

/** What is known of each type beyond what Zod knows. Keyed by identity: every call below makes a new type. */
export const settingMeta: z.core.$ZodRegistry<SettingMeta> = z.registry<SettingMeta>();

function known<T extends z.ZodType>(type: T, kind: SettingKind, allowed: string): T {
  settingMeta.add(type, { kind, allowed });
  return type;
}

/** Makes a type a setting: gives it its default and its sentence. */
export function setting<T extends z.ZodType>(type: T, value: unknown, doc: string): T {
  return extend(type, { default: value, doc });
}

/** A setting whose default depends on the machine; the loader supplies it. */
export function computedSetting<T extends z.ZodType>(type: T, defaultText: string, doc: string): T {
  return extend(type, { defaultText, doc });
}

function extend<T extends z.ZodType>(type: T, more: Partial<SettingMeta>): T {
  const meta = settingMeta.get(type);
  if (meta !== undefined) settingMeta.add(type, { ...meta, ...more });
  return type;
}

const between = (min: number, max: number): string =>
  max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;

export const integer = (min: number, max: number = Infinity): z.ZodType<number> =>
  known(z.int().min(min).max(max), 'integer', `a whole number ${between(min, max)}`);

/** A number, or as many as the machine makes sensible. */
export const integerOrAuto = (min: number, max: number): z.ZodType<number | 'auto'> =>
  known(
    z.union([z.int().min(min).max(max), z.literal('auto')]),
    'integer',
    `auto or a whole number ${between(min, max)}`,
  );

export const real = (min: number, max: number = Infinity): z.ZodType<number> =>
  known(z.number().min(min).max(max), 'number', `a number ${between(min, max)}`);

export const yesNo = (): z.ZodType<boolean> => known(z.boolean(), 'boolean', 'true or false');

export const choice = <const T extends string>(options: readonly T[]): z.ZodType<T> =>
  known(z.enum(options), 'text', `one of ${options.join(', ')}`);

export const choices = <const T extends string>(options: readonly T[]): z.ZodType<T[]> =>
  known(z.array(z.enum(options)).min(1), 'list', `a list of at least one of ${options.join(', ')}`);

export const numberChoice = (options: readonly number[]): z.ZodType<number> =>
  known(
    z.number().refine((n) => options.includes(n)),
    'integer',
    `one of ${options.join(', ')}`,
  );

const writtenQuantity = z.union([z.string(), z.number()]);

export const duration = (min: Milliseconds): z.ZodType<Milliseconds> =>
  known(
    writtenQuantity.transform((written, context) => {
      const span = parseDuration(written);
      if (span !== undefined && span >= min) return span;
      context.addIssue('not such a duration');
      return z.NEVER;
    }),
    'duration',
    min === 0
      ? 'a duration such as "1.5s", "200ms" or "5m", or a number of seconds'
      : `a duration of at least ${min} ms, such as "1.5s", "200ms" or "5m", or a number of seconds`,
  );

export const size = (min: Bytes, max?: Bytes): z.ZodType<Bytes> =>
  known(
    writtenQuantity.transform((written, context) => {
      const n = parseBytes(written);
      if (n !== undefined && n >= min && n <= (max ?? Infinity)) return n;
      context.addIssue('not such a size');
      return z.NEVER;
    }),
    'size',
    `a size ${max === undefined ? `of at least ${min}` : `from ${min} to ${max}`} bytes, ${sizeExamples(min, max)}`,
  );

function sizeExamples(min: Bytes, max: Bytes | undefined): string {
  const allowed = ['4MiB', '64KiB', '64MiB', '1KiB'].filter((written) => {
    const n = parseBytes(written) ?? 0;
    return n >= min && n <= (max ?? Infinity);
  });
  const [first, second] = allowed.slice(0, 2).map((written) => `"${written}"`);
  return `such as ${[first, second].filter((written) => written !== undefined).join(', ')} or a number of bytes`;
}

const isAddress = (text: string): boolean => isIP(text) !== 0;

export const address = (): z.ZodType<string> => known(z.string().refine(isAddress), 'text', 'an IPv4 or IPv6 address');

export const addresses = (): z.ZodType<string[]> =>
  known(z.array(address()).min(1), 'list', 'a list of at least one IPv4 or IPv6 address');

export const addressesOrNone = (): z.ZodType<string[]> =>
  known(z.array(address()), 'list', 'a list of IPv4 or IPv6 addresses, empty for none');

const isHostName = (text: string): boolean => /^[a-z\d](?:[a-z\d.-]{0,252})$/i.test(text);

export const hostNames = (): z.ZodType<string[]> =>
  known(
    z.array(known(z.string().refine(isHostName), 'text', 'a host name such as gateway.example')),
    'list',
    'a list of host names such as gateway.example, empty for none',
  );

/** IPv4 224.0.0.0/4, IPv6 ff00::/8. */
const isGroup = (text: string): boolean =>
  isIP(text) === 4 ? /^(?:22[4-9]|23\d)\./.test(text) : isIP(text) === 6 && /^ff/i.test(text);

export const groups = (): z.ZodType<string[]> =>
  known(
    z.array(known(z.string().refine(isGroup), 'text', 'a multicast address (224.0.0.0/4 or ff00::/8)')),
    'list',
    'a list of multicast addresses (224.0.0.0/4 or ff00::/8), empty for none',
  );

export const addressBlock = (): z.ZodType<string> =>
  known(
    z.string().refine((text) => parseAddressBlock(text) !== undefined),
    'text',
    'an address or a prefix such as "10.1.0.0/16" or "fd00::/8"',
  );

export const name = (): z.ZodType<string> => known(z.string().min(1).max(64), 'text', 'a name of 1 to 64 characters');

const isGlob = (text: string): boolean => /^[^\s/]{1,128}$/.test(text);

/** `*` stands for any characters. */
export const glob = (): z.ZodType<string> =>
  known(z.string().refine(isGlob), 'text', 'a name, in which * stands for any characters');

/** A glob without both can match no function. */
const isFunctionGlob = (text: string): boolean => /^[^\s/]*(?:\/|\*)[^\s/]*$/.test(text) && text.length <= 200;

export const functionGlobs = (): z.ZodType<string[]> =>
  known(
    z.array(z.string().refine(isFunctionGlob)),
    'list',
    'a list of functions as library/method, in which * stands for any characters, such as "math/*" or "*"',
  );

export const resourceGlobs = (): z.ZodType<string[]> =>
  known(
    z.array(z.string().refine(isGlob)),
    'list',
    'a list of first segments of paths, in which * stands for any characters, such as "clock" or "*"',
  );

export const folder = (): z.ZodType<string> => known(z.string().min(1), 'folder', 'the path of a folder');

export const objects = <T extends z.ZodType>(item: T, allowed: string): z.ZodArray<T> =>
  known(z.array(item), 'objects', allowed);
