/**
 * Reads a doc comment: its text, its tags, its `@param` lines. What decides about a call
 * (`@safe`, `@pure`, `@maxAge 60`, …) is checked here, so that a slip is reported where it stands.
 *
 * A tag begins a line. Those that decide about a call may also stand together, and behind text,
 * at the end of a line: `Adds. @pure @maxAge 60`. Inside of a sentence an `@` is text.
 */
import { milliseconds, type Milliseconds } from '../../core/duration.ts';
import { UsageError } from '../../core/error.ts';
import { nearestName } from '../names.ts';

export interface DocParameter {
  /** As written, with the members of an object parameter as `options.member`. */
  readonly name: string;
  /** What stands in braces. */
  readonly type: string | undefined;
  readonly optional: boolean;
  readonly text: string | undefined;
}

export interface Doc {
  readonly text: string | undefined;
  /** First line of the text. */
  readonly title: string | undefined;
  readonly parameters: readonly DocParameter[];
  readonly returns: { readonly type: string | undefined; readonly text: string | undefined } | undefined;
  readonly safe: boolean;
  readonly pure: boolean;
  readonly shared: boolean;
  readonly inline: boolean;
  readonly maxAge: Milliseconds;
  readonly staleWhileRevalidate: Milliseconds;
  readonly timeLimit: Milliseconds | undefined;
  /** What stands behind `@instance`, which JSDoc knows too: a class decides whether it can be meant. */
  readonly instance: string | undefined;
}

interface Tag {
  readonly name: string;
  readonly text: string;
}

/**
 * @param comment the text of the comment, which begins with its second star, or undefined where there is none
 * @param where names file, line and function in errors
 * @throws UsageError `library-tag` for a tag that cannot be meant
 */
export function readDoc(comment: string | undefined, where: string): Doc {
  if (comment?.startsWith('*') === false)
    throw new UsageError(
      'library-tag',
      `${where}: ${comment.trim().split(/\s/, 1).join('')} counts in a doc comment only, which begins with /**; write it so.`,
    );
  const { text, tags } = split(comment ?? '');
  checkSpelling(tags, where);
  const has = (name: string): boolean => tags.some((tag) => tag.name === name);
  const duration = (name: string): Milliseconds | undefined => {
    const tag = tags.find((candidate) => candidate.name === name);
    return tag === undefined ? undefined : readDuration(tag, where);
  };
  const pure = has('pure');
  const maxAge = duration('maxAge');
  const staleWhileRevalidate = duration('staleWhileRevalidate');
  const timeLimit = duration('timeLimit');
  const cacheTag =
    maxAge !== undefined
      ? '@maxAge'
      : staleWhileRevalidate !== undefined
        ? '@staleWhileRevalidate'
        : has('shared')
          ? '@shared'
          : undefined;
  if (!pure && cacheTag !== undefined) {
    throw new UsageError(
      'library-tag',
      `${where}: ${cacheTag} is about a cached result, and only a pure function has one; add @pure or remove ${cacheTag}.`,
    );
  }
  if (timeLimit === 0) {
    throw new UsageError(
      'library-tag',
      `${where}: @timeLimit 0 leaves no time to run; give seconds, such as @timeLimit 10.`,
    );
  }
  const returned = tags.find((tag) => tag.name === 'returns' || tag.name === 'return');
  const returns = returned === undefined ? undefined : readTyped(returned.text);
  const whole = [text, returns?.text === undefined ? '' : `Returns ${returns.text}`]
    .filter((part) => part !== '')
    .join('\n\n');
  return {
    text: whole === '' ? undefined : whole,
    title: text === '' ? undefined : text.split('\n', 1)[0],
    parameters: tags
      .filter((tag) => ['param', 'arg', 'argument'].includes(tag.name))
      .flatMap((tag) => readParameter(tag.text)),
    returns,
    safe: pure || has('safe'),
    pure,
    shared: has('shared'),
    inline: has('inline'),
    maxAge: maxAge ?? milliseconds(0),
    staleWhileRevalidate: staleWhileRevalidate ?? milliseconds(0),
    timeLimit,
    instance: tags.find((tag) => tag.name === 'instance')?.text.split(/\s/, 1)[0],
  };
}

/** Promises that are made by being there. */
const flags = ['safe', 'pure', 'shared', 'inline'] as const;
/** Promises that take a time. */
const durations = ['maxAge', 'staleWhileRevalidate', 'timeLimit'] as const;

/** Promises that take a word. */
const words = ['instance'] as const;

const promises = [...flags, ...durations, ...words] as const;
/** Tags that describe, and other names for them. */
const described = ['param', 'returns'] as const;
const otherNames: readonly string[] = ['return', 'arg', 'argument', 'tparam'];
/** What promises are called elsewhere. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['cache', 'pure'],
  ['idempotent', 'safe'],
  ['timeout', 'timeLimit'],
  ['ttl', 'maxAge'],
]);

/** Also tells an ordinary comment that was meant as a doc comment. */
export const beginsWithPromise: RegExp = new RegExp(`^\\s*@(?:${promises.join('|')})\\b`, 'i');
/** ` @pure @maxAge 5 m`, ` @instance single` at the end of a line; what is behind a letter is an address. */
const endsInTags = /(?<=\s)(?:@[a-z]+\b(?:\s*\d[\d.]*(?:\s*[a-z]+)?|\s+(?:single|session|percall)\b)?\s*)+$/i;

/** The text before the first tag, and the tags; an `@` inside a fenced example is text. */
function split(comment: string): { text: string; tags: readonly Tag[] } {
  const text: string[] = [];
  const tags: { name: string; lines: string[] }[] = [];
  let fenced = false;
  for (const raw of comment.replace(/^\*/, '').split(/\r?\n/)) {
    const line = raw.replace(/^\s*\*? ?/, '').trimEnd();
    if (line.trimStart().startsWith('```')) fenced = !fenced;
    for (const piece of fenced ? [line] : piecesOf(line)) {
      const tag = fenced ? null : /^\s*@([A-Za-z][\w-]*)\s*(.*)$/.exec(piece);
      if (tag !== null) tags.push({ name: tag[1] ?? '', lines: [tag[2] ?? ''] });
      else (tags.at(-1)?.lines ?? text).push(piece);
    }
  }
  return {
    text: text.join('\n').trim(),
    tags: tags.map(({ name, lines }) => ({ name, text: lines.join('\n').trim() })),
  };
}

/** What stands before the promises of a line, and each of them with its value. */
function piecesOf(line: string): readonly string[] {
  if (beginsWithPromise.test(line)) return line.split(/\s+(?=@[A-Za-z])/);
  const found = endsInTags.exec(line);
  const tags = found?.[0].split(/\s+(?=@)/) ?? [];
  const promised = tags.slice(tags.findLastIndex((tag) => !isPromise(tag)) + 1);
  if (found === null || promised.length === 0) return [line];
  const before = [line.slice(0, found.index).trimEnd(), ...tags.slice(0, tags.length - promised.length)].join(' ');
  return before === '' ? promised : [before, ...promised];
}

/** Also one that is misspelt. */
const isPromise = (tag: string): boolean =>
  promises.some((one) => one === meantBy(tag.slice(1).split(/\W/, 1).join('')));

/** The tag of ours that a name is, or that it was meant to be. */
function meantBy(name: string): string | undefined {
  if (otherNames.includes(name)) return undefined;
  // One slip in three letters is another word: @pre.
  const slips = name.length <= 3 ? 0 : name.length <= 8 ? 1 : 2;
  const near = nearestName(name, [...promises, ...described, ...elsewhere.keys()], slips);
  return near === undefined ? undefined : (elsewhere.get(near) ?? near);
}

/** A promise that is misspelt or denied would be broken without a word. */
function checkSpelling(tags: readonly Tag[], where: string): void {
  const seen = new Set<string>();
  for (const { name, text } of tags) {
    const known = meantBy(name);
    if (known === undefined) continue;
    if (known.toLowerCase() !== name.toLowerCase())
      throw new UsageError('library-tag', `${where}: @${name} is no tag: did you mean @${known}?`);
    if (known !== name)
      throw new UsageError('library-tag', `${where}: @${name} is no tag; write @${known}, with these capitals.`);
    if (described.some((one) => one === known)) continue;
    if (seen.has(name)) throw new UsageError('library-tag', `${where}: @${name} stands there twice; keep one.`);
    seen.add(name);
    if (flags.some((flag) => flag === name) && /^\{?(?:true|false|yes|no|0|1)\}?$/i.test(text))
      throw new UsageError(
        'library-tag',
        `${where}: @${name} takes no value: it is a promise by being there; write @${name} alone, or remove it.`,
      );
  }
}

const units: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['', 1000],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Max-Age is at most 32 bits of seconds (RFC 7252 §5.10.5). */
const maxSeconds = 0xffff_ffff;

function readDuration(tag: Tag, where: string): Milliseconds {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)(?=\s*$|\s+[^\w\s])/.exec(tag.text);
  const unit = units.get(match?.[2] ?? '');
  const span = match === null || unit === undefined ? NaN : Math.round(Number(match[1]) * unit);
  if (!(span <= maxSeconds * 1000)) {
    throw new UsageError(
      'library-tag',
      `${where}: @${tag.name} needs a time, in seconds or with a unit, such as "@${tag.name} 60" or "@${tag.name} 5m".`,
    );
  }
  return milliseconds(span);
}

/** `{type} rest`, the braces balanced. */
function readTyped(text: string): { type: string | undefined; text: string | undefined } {
  const { type, rest } = takeType(text);
  const words = rest.replace(/^\s*-?\s*/, '');
  return { type, text: words === '' ? undefined : words };
}

function takeType(text: string): { type: string | undefined; rest: string } {
  if (!text.startsWith('{')) return { type: undefined, rest: text };
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return { type: text.slice(1, i).trim(), rest: text.slice(i + 1) };
  }
  return { type: undefined, rest: text };
}

/** `{type} name - text`, `{type} [name=default] text`, `name text`. */
function readParameter(tag: string): readonly DocParameter[] {
  const { type, rest } = takeType(tag);
  const match = /^\s*(?:\[\s*([\w$.]+)[^\]]*\]|([\w$.]+))\s*-?\s*([^]*)$/.exec(rest);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return [];
  const text = match?.[3]?.trim() ?? '';
  const optional = match?.[1] !== undefined || type?.endsWith('=') === true;
  return [{ name, type, optional, text: text === '' ? undefined : text }];
}
