/** What is wrong with a configuration: one sentence a problem, each with the path, what was found and what is allowed. */
import { UsageError } from '../core/error.ts';
import { nearestName } from '../functions/names.ts';
import { allowedAt, namesAt, settings, type SchemaIssue } from './schema.ts';

export class ConfigError extends UsageError {
  /** One sentence each. */
  readonly sentences: readonly string[];

  constructor(sentences: readonly string[], options?: { cause?: unknown }) {
    super('bad-configuration', sentences.join('\n'), options);
    this.sentences = sentences;
  }
}

/** `profiles[0].blockSize` */
function writtenPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );
}

function written(found: unknown): string {
  if (found === undefined) return 'missing';
  const text = JSON.stringify(found);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The value at a path of a document. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** The setting that somebody who wrote `path` may have meant. */
export function meantSetting(path: string): string | undefined {
  const paths = settings.map((setting) => setting.path);
  const last = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return (
    nearestName(path, paths) ?? paths.find((known) => known.slice(known.lastIndexOf('.') + 1).toLowerCase() === last)
  );
}

function unknownName(above: readonly PropertyKey[], name: string, where: string): string {
  const close = nearestName(name, namesAt(above));
  const meant = close === undefined ? meantSetting(writtenPath([...above, name])) : writtenPath([...above, close]);
  const hint = meant === undefined ? 'docs/config.md lists the settings' : `did you mean ${meant}?`;
  return `${writtenPath([...above, name])}${where} is not a setting; ${hint}${meant === undefined ? '.' : ''}`;
}

/** The sentences for one issue; `where` names the source of a path, such as ` in funcoap.config.json`. */
export function issueSentences(
  issue: SchemaIssue,
  document: unknown,
  where: (path: readonly PropertyKey[]) => string,
): string[] {
  if (issue.unknownNames.length > 0) {
    return issue.unknownNames.map((name) => unknownName(issue.path, name, where([...issue.path, name])));
  }
  const subject = issue.path.length === 0 ? 'The configuration' : writtenPath(issue.path);
  const found = written(valueAt(document, issue.path));
  return [`${subject}${where(issue.path)} is ${found}, but must be ${allowedAt(issue.path)}.`];
}
