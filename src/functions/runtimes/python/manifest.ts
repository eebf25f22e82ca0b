/**
 * `funcoap.json` in a Python library's folder: promises of functions whose file shall stay as it is, and how many processes
 * may run it. What it does not say, decorators say; where both speak, the manifest counts.
 *
 *     { "processes": 2, "functions": { "list": { "pure": true, "maxAge": 60 } } }
 *
 * Methods of classes are named with their class, `Account.report`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { milliseconds, type Milliseconds } from '../../../core/duration.ts';
import { UsageError } from '../../../core/error.ts';
import { nearestName, shown } from '../../names.ts';

const manifestName = 'funcoap.json';
/** A year: longer than anything is served. */
const maxSeconds = 31_536_000;
const span = z.number().min(0).max(maxSeconds);

/** What a decorator or the manifest may promise of a function. Times are in seconds. */
const promisesShape = {
  safe: z.boolean().optional(),
  pure: z.boolean().optional(),
  maxAge: span.optional(),
  staleWhileRevalidate: span.optional(),
  shared: z.boolean().optional(),
  timeLimit: z.number().positive().max(maxSeconds).optional(),
};
const promisesSchema = z.strictObject(promisesShape) as z.ZodType<Promises>;

export interface Promises {
  readonly safe?: boolean;
  readonly pure?: boolean;
  readonly maxAge?: number;
  readonly staleWhileRevalidate?: number;
  readonly shared?: boolean;
  readonly timeLimit?: number;
}

export interface PythonManifest {
  readonly processes: number;
  readonly functions: Readonly<Record<string, Promises>>;
}

const manifestSchema = z.strictObject({
  processes: z.int().min(1).max(64).default(1),
  functions: z.record(z.string(), promisesSchema).default({}),
});

/** @throws UsageError 'library-load' with one sentence that names the file */
export function readManifest(folder: string): PythonManifest {
  const path = join(folder, manifestName);
  if (!existsSync(path)) return { processes: 1, functions: {} };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('library-load', `${manifestName} is no JSON: ${reason}; mend it and save the file.`, {
      cause,
    });
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') throw unknownKey(issue.keys[0] ?? '', issue.path);
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  throw new UsageError(
    'library-load',
    `${manifestName}: ${where}${issue?.message ?? 'is not understood'}; see docs/python.md.`,
  );
}

/** A promise that is misspelt would be broken without a word. */
function unknownKey(key: string, path: readonly PropertyKey[]): UsageError {
  const known = Object.keys(path.length === 0 ? manifestSchema.shape : promisesShape);
  const near = nearestName(key, known);
  const hint = near === undefined ? `there may be ${known.join(', ')}.` : `did you mean ${near}?`;
  const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  return new UsageError('library-load', `${manifestName}: ${where}${shown(key)} is not known: ${hint}`);
}

/** Promises that are times, as decorators spell them. */
const spelled: ReadonlyMap<string, string> = new Map([
  ['maxAge', 'max_age'],
  ['staleWhileRevalidate', 'stale_while_revalidate'],
  ['timeLimit', 'time_limit'],
]);

/** What a function promises, all in all. */
export interface Promised extends Required<Omit<Promises, 'timeLimit'>> {
  readonly timeLimit: Milliseconds | undefined;
}

/** What decorators and the manifest promise of a function. @param where file and line, for errors @throws UsageError 'library-load' */
export function promisesOf(name: string, said: unknown, manifest: PythonManifest, where: string): Promised {
  const decorated = promisesSchema.safeParse(said);
  if (!decorated.success) {
    const option = String(decorated.error.issues[0]?.path[0] ?? '');
    const what = spelled.get(option);
    throw new UsageError(
      'library-load',
      what === undefined
        ? `${where}: ${name}: ${option} is either promised or not; write True or False.`
        : `${where}: ${name}: ${what} is a number of seconds; write one, such as 60.`,
    );
  }
  const promises = { ...decorated.data, ...manifest.functions[name] };
  const { pure = false, safe = pure, maxAge = 0, staleWhileRevalidate = 0, shared = false, timeLimit } = promises;
  if (pure && !safe)
    throw new UsageError('library-load', `${where}: ${name} is pure, so it is safe; remove "safe": false.`);
  if (maxAge > 0 && !pure)
    throw new UsageError(
      'library-load',
      `${where}: only results of a pure function are cached; promise that ${name} is pure, or remove maxAge.`,
    );
  const limit = timeLimit === undefined ? undefined : milliseconds(Math.round(timeLimit * 1000));
  return { pure, safe, maxAge, staleWhileRevalidate, shared, timeLimit: limit };
}
