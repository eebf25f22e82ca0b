/** What `funcoap new library` writes: a library that works at once, in each of four ways to write one. */

export type LibraryForm = 'ts' | 'js' | 'zod' | 'python';

export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}

const ts = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { context } from 'funcoap/library';

/**
 * Greets somebody.
 * @pure
 * @maxAge 60
 */
export function greet(name: string = 'world'): string {
  return \`Hello, \${name}!\`;
}

/**
 * Writes a value into data/values.txt: a side effect, so it is called with POST and runs every time.
 * A file, because each thread has variables of its own, which are gone when this file is edited.
 */
export async function record(value: number = 20): Promise<string> {
  const { dataFolder } = context();
  await mkdir(dataFolder, { recursive: true });
  await appendFile(join(dataFolder, 'values.txt'), \`\${value}\\n\`);
  return \`recorded \${value}\`;
}
`;

const js = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { context } from 'funcoap/library';

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
 * Writes a value into data/values.txt: a side effect, so it is called with POST and runs every time.
 * A file, because each thread has variables of its own, which are gone when this file is edited.
 * @param {number} value
 * @returns {Promise<string>}
 */
export async function record(value = 20) {
  const { dataFolder } = context();
  await mkdir(dataFolder, { recursive: true });
  await appendFile(join(dataFolder, 'values.txt'), \`\${value}\\n\`);
  return \`recorded \${value}\`;
}
`;

const zod = (
  name: string,
): string => `/** ${name}: a library of funcoap. Every exported function is callable; nothing else is. */
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { context, fn, z } from 'funcoap/library';

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

/**
 * Writes a value into data/values.txt: a side effect, so it is called with POST and runs every time.
 * A file, because each thread has variables of its own, which are gone when this file is edited.
 */
export const record = fn({ params: { value: z.number().default(20) }, returns: z.string() }, async ({ value }) => {
  const { dataFolder } = context();
  await mkdir(dataFolder, { recursive: true });
  await appendFile(join(dataFolder, 'values.txt'), \`\${value}\\n\`);
  return \`recorded \${value}\`;
});
`;

const python = (
  name: string,
): string => `"""${name}: a library of funcoap. Every function that is defined here is callable; nothing else is."""
import os

from funcoap import context, pure


@pure(max_age=60)
def greet(name: str = 'world') -> str:
    """Greets somebody."""
    return f'Hello, {name}!'


def record(value: float = 20) -> str:
    """Writes a value into data/values.txt: a side effect, so it is called with POST and runs every time."""
    folder = context().data_folder
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'values.txt'), 'a') as values:
        values.write(f'{value:g}\\n')
    return f'recorded {value:g}'
`;

const readme = (name: string, file: string, base: string): string => `# ${name}

| function | what it does |
|---|---|
| \`greet(name = 'world')\` | greets somebody; the result is cached for a minute |
| \`record(value = 20)\` | writes a value into \`data/values.txt\`; it has a side effect, so it is called with POST |

    funcoap call ${base}/func/${name}/greet name=Ada
    funcoap call ${base}/func/${name}/record
    coap-client-notls -m get '${base}/func/${name}/greet?name=Ada'

Edit \`${file}\`: the next call runs the new code.
`;

const sources: Readonly<Record<LibraryForm, (name: string) => TemplateFile>> = {
  ts: (name) => ({ name: 'index.ts', text: ts(name) }),
  // .mjs is an ES module whatever a package.json above says.
  js: (name) => ({ name: 'index.mjs', text: js(name) }),
  zod: (name) => ({ name: 'index.ts', text: zod(name) }),
  python: (name) => ({ name: `${name.replaceAll('-', '_')}.py`, text: python(name) }),
};

/** `base` is the gateway's URI, such as `coap://127.0.0.1`. */
export function libraryTemplate(name: string, form: LibraryForm, base: string): readonly TemplateFile[] {
  const source = sources[form](name);
  return [{ name: 'README.md', text: readme(name, source.name, base) }, source];
}
