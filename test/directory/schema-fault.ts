/**
 * What is wrong with a JSON Schema by the meta-schema of draft 2020-12, for the keywords that
 * funcoap uses; a keyword it does not use is a fault too.
 */
type Check = (value: unknown) => boolean;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isSchema: Check = (value) => schemaFault(value) === undefined;
const isUnique = (list: readonly unknown[]): boolean => new Set(list).size === list.length;
const isTextSet: Check = (value) => Array.isArray(value) && value.every(isText) && isUnique(value);
const isSchemaList: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(isSchema);
const isSchemaMap: Check = (value) => isRecord(value) && Object.values(value).every(isSchema);
const isTypeName: Check = (value) =>
  ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'].includes(String(value));

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

const keywords: ReadonlyMap<string, Check> = new Map([
  ['$schema', (value) => value === 'https://json-schema.org/draft/2020-12/schema'],
  ['title', isText],
  ['description', isText],
  ['default', () => true],
  ['const', () => true],
  [
    'type',
    (value) =>
      Array.isArray(value) ? value.length > 0 && value.every(isTypeName) && isUnique(value) : isTypeName(value),
  ],
  ['minimum', isNumber],
  ['maximum', isNumber],
  ['minLength', isCount],
  ['maxLength', isCount],
  ['minItems', isCount],
  ['maxItems', isCount],
  ['pattern', isPattern],
  ['format', isText],
  ['contentEncoding', isText],
  ['not', isSchema],
  ['anyOf', isSchemaList],
  ['items', isSchema],
  ['prefixItems', isSchemaList],
  ['properties', isSchemaMap],
  ['required', isTextSet],
  ['additionalProperties', isSchema],
]);

export function schemaFault(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  if (!isRecord(schema)) return `${JSON.stringify(schema)} is no schema`;
  for (const [keyword, value] of Object.entries(schema)) {
    const check = keywords.get(keyword);
    if (check === undefined) return `${keyword} is not a keyword that is expected`;
    if (!check(value)) return `${keyword} cannot be ${JSON.stringify(value)}`;
  }
  return undefined;
}
