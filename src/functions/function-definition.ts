/** What `fn()` is told, and what it makes of that: a declaration with its defaults filled in, or an error that says what to write. */
import { z } from 'zod';
import { UsageError } from '../core/error.ts';
import { nearestName } from './names.ts';

/** Parameters as a record of Zod types; the order of declaration is the positional order. */
export type ParameterShape = Readonly<Record<string, z.ZodType>>;

/** What `fn()` may be told besides the implementation. */
export interface FunctionOptions<Shape extends ParameterShape, Result extends z.ZodType> {
  /** A record of Zod types, or `z.object({...})`. The order of declaration is the positional order. */
  readonly params?: Shape | z.ZodObject<Shape>;
  /** The result's type, of a stream that of an item: checked after every call, and described to clients. */
  readonly returns?: Result;
  /** No side effects: GET and FETCH are allowed. Default: false, unless `pure`. */
  readonly safe?: boolean;
  /** Safe, and a result may be cached for `maxAge`. Default: false. */
  readonly pure?: boolean;
  /** How long a result is good for, in seconds. Default: 0, computed for every call. */
  readonly maxAge?: number;
  /** How long an old result may still be served while a new one is computed, in seconds. Default: 0. */
  readonly staleWhileRevalidate?: number;
  /** One cached result for all callers, although the function reads who calls. Default: false. */
  readonly shared?: boolean;
  /**
   * Runs in the gateway's own thread: for trivial functions that are trusted never to block.
   * No time limit can stop one. Default: false.
   */
  readonly inline?: boolean;
  /**
   * Gives items one after the other, each when a client is ready for it: `impl` returns an iterable or an async one.
   * It has to be safe. Default: true where `impl` is a generator.
   */
  readonly stream?: boolean;
  /** Stops the function after this many milliseconds. Default: the gateway's limit. */
  readonly timeLimit?: number;
  /** What it does, for people. The first line is the title. Default: the comment above the export. */
  readonly doc?: string;
}

/** A declaration with its defaults filled in. */
export interface FunctionDefinition {
  readonly params: z.ZodObject;
  readonly returns: z.ZodType | undefined;
  readonly safe: boolean;
  readonly pure: boolean;
  /** Seconds. */
  readonly maxAge: number;
  /** Seconds. */
  readonly staleWhileRevalidate: number;
  readonly shared: boolean;
  readonly inline: boolean;
  readonly stream: boolean;
  /** Milliseconds. */
  readonly timeLimit: number | undefined;
  readonly doc: string | undefined;
}

const generators: readonly unknown[] = [function* () {}, async function* () {}].map((one) => one.constructor);

/** The options that are true or false, those that are times, and the others. */
const flags = ['safe', 'pure', 'shared', 'inline', 'stream'] as const;
const times = ['maxAge', 'staleWhileRevalidate', 'timeLimit'] as const;
type Flag = (typeof flags)[number];
type Time = (typeof times)[number];
const known: readonly string[] = ['params', 'returns', ...flags, ...times, 'doc'];

/** Libraries in JavaScript are not type-checked, and those in TypeScript not when they load. @throws UsageError `bad-declaration` */
export function define<Shape extends ParameterShape>(
  options: FunctionOptions<Shape, z.ZodType>,
  impl: unknown,
): FunctionDefinition {
  if (typeof options !== 'object' || options === null || typeof impl !== 'function')
    throw refused('fn() takes its options and then the function: fn({ params: { a: z.number() } }, ({ a }) => a).');
  if (impl.length > 1)
    throw refused('fn() gives its function one object with all arguments: write ({ a, b }) => …, not (a, b) => ….');
  checkNames(options);
  const { params, returns, pure = false, safe = pure, maxAge = 0, staleWhileRevalidate = 0 } = options;
  checkTypes(params, returns);
  checkValues(options);
  if (pure && !safe) throw refused('A pure function is safe: remove `safe: false` or `pure: true`.');
  const cached = (['maxAge', 'staleWhileRevalidate', 'shared'] as const).find((name) => Boolean(options[name]));
  if (cached !== undefined && !pure)
    throw refused(`Only results of a pure function are cached: add \`pure: true\` or remove \`${cached}\`.`);
  return {
    params: params instanceof z.ZodObject ? params : z.object({ ...params }),
    returns,
    safe,
    pure,
    maxAge,
    staleWhileRevalidate,
    shared: options.shared ?? false,
    inline: options.inline ?? false,
    stream: options.stream ?? generators.includes(impl.constructor),
    timeLimit: options.timeLimit,
    doc: options.doc,
  };
}

const refused = (message: string): UsageError => new UsageError('bad-declaration', message);

/** A promise that is misspelt would be broken without a word. */
function checkNames(options: object): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearestName(name, known);
    const hint = near === undefined ? `it has ${known.join(', ')}.` : `did you mean \`${near}\`?`;
    throw refused(`\`${name}\` is no option of fn(): ${hint}`);
  }
}

function checkValues(options: Pick<FunctionOptions<ParameterShape, z.ZodType>, Flag | Time>): void {
  for (const name of flags)
    if (typeof (options[name] ?? false) !== 'boolean')
      throw refused(`\`${name}\` is true or false, not ${String(options[name])}.`);
  for (const name of times) {
    const span = options[name] ?? 1;
    if (!Number.isFinite(span) || span < 0)
      throw refused(`\`${name}\` must be a number that is not negative, not ${span}.`);
  }
  if (options.timeLimit === 0) throw refused('`timeLimit: 0` leaves no time to run: give milliseconds.');
}

function checkTypes(params: unknown, returns: unknown): void {
  if (
    params !== undefined &&
    !(params instanceof z.ZodObject) &&
    (typeof params !== 'object' || params === null || Array.isArray(params) || isType(params))
  )
    throw refused('`params` holds Zod types by name, such as { a: z.number() }: write it so.');
  for (const [name, type] of Object.entries(params instanceof z.ZodObject ? {} : (params ?? {})))
    if (!isType(type))
      throw refused(`\`${name}\` of \`params\` is no Zod type: write z.number(), z.string() or another.`);
  if (returns !== undefined && !isType(returns))
    throw refused('`returns` is no Zod type: write z.number(), z.string() or another.');
}

/** Also of another copy of Zod. */
const isType = (value: unknown): boolean => typeof value === 'object' && value !== null && '_zod' in value;
