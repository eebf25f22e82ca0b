/** What `funcoap new library` writes: a library that works at once, in each of three ways to declare one. */

export type LibraryForm = 'ts' | 'js' | 'zod';

export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}

const ts = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */

/**
 * Greets somebody.
 * @pure
 * @maxAge 60
 */
export function greet(name: string = 'world'): string {
  return \`Hello, \${name}!\`;
}

/**
 * Counts the calls: not safe, so it is called with POST and runs every time.
 */
export function count(by: number = 1): number {
  total += by;
  return total;
}

let total = 0;
`;

const js = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */

/**
 * Greets somebody.
 * @pure
 * @maxAge 60
 * @param {string} name
 * @returns {string}
 */
export function greet(name = 'world') {
  return \`Hello, \${name}!\`;
}

/**
 * Counts the calls: not safe, so it is called with POST and runs every time.
 * @param {number} by
 * @returns {number}
 */
export function count(by = 1) {
  total += by;
  return total;
}

let total = 0;
`;

const zod = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */
import { fn, z } from 'funcoap/library';

/** Greets somebody. The name is checked on every call and described to clients. */
export const greet = fn(
  {
    params: { name: z.string().min(1).max(40).default('world') },
    returns: z.string(),
    pure: true,
    maxAge: 60,
  },
  ({ name }) => \`Hello, \${name}!\`,
);

/** Counts the calls: not safe, so it is called with POST and runs every time. */
export const count = fn({ params: { by: z.number().default(1) }, returns: z.number() }, ({ by }) => {
  total += by;
  return total;
});

let total = 0;
`;

const readme = (name: string, file: string): string => `# ${name}

| function | what it does |
|---|---|
| \`greet(name = 'world')\` | greets somebody; the result is cached for a minute |
| \`count(by = 1)\` | counts the calls; it has a side effect, so it is called with POST |

    funcoap call coap://127.0.0.1/func/${name}/greet name=Ada
    funcoap call coap://127.0.0.1/func/${name}/count
    coap-client-notls -m get 'coap://127.0.0.1/func/${name}/greet?name=Ada'

Edit \`${file}\`: the next call runs the new code.
`;

const sources: Readonly<Record<LibraryForm, (name: string) => TemplateFile>> = {
  ts: (name) => ({ name: 'index.ts', text: ts(name) }),
  js: (name) => ({ name: 'index.js', text: js(name) }),
  zod: (name) => ({ name: 'index.ts', text: zod(name) }),
};

export function libraryTemplate(name: string, form: LibraryForm): readonly TemplateFile[] {
  const source = sources[form](name);
  return [{ name: 'README.md', text: readme(name, source.name) }, source];
}
