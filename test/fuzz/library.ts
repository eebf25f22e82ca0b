/** The library that is called while datagrams are thrown at the gateway: one function for each way a call can go. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where functions that must not answer yet wait: the test lets them go. In the same thread, as they are inline. */
export const waiting: (() => void)[] = [];
const waitingKey = 'funcoap fuzz';
Object.defineProperty(globalThis, Symbol.for(waitingKey), { value: waiting, configurable: true });

// By its file: a test runner that loads modules itself knows no 'funcoap/library'.
const source = `
import { fn, z } from '${new URL('../../src/functions/library.ts', import.meta.url).href}';

/** Two numbers become one. */
export const add = fn({ params: { a: z.number(), b: z.number().default(1) }, pure: true, maxAge: 60, inline: true }, ({ a, b }) => a + b);

let stored = 0;
export const store = fn({ params: { value: z.string() }, inline: true }, ({ value }) => { stored += value.length; return stored; });

/** Comes back as it went in. */
export const echo = fn({ params: { value: z.unknown() }, safe: true, inline: true }, ({ value }) => value);

export const long = fn({ params: { length: z.number().int().min(0).max(20000).default(3000) }, pure: true, maxAge: 60, inline: true }, ({ length }) => 'x'.repeat(length));

export const later = fn({ params: { value: z.unknown() }, safe: true, inline: true }, ({ value }) =>
  new Promise((resolve) => globalThis[Symbol.for('${waitingKey}')].push(() => resolve(value))));

export const fail = fn({ params: {}, safe: true, inline: true }, () => { throw new Error('on purpose'); });

export const nothing = fn({ params: {}, safe: true, inline: true }, () => undefined);

/** Where it is merged into a plain object, \`__proto__\` must stay a name. */
export const merge = fn({ params: { into: z.record(z.string(), z.unknown()), from: z.record(z.string(), z.unknown()) }, safe: true, inline: true },
  ({ into, from }) => ({ ...into, ...from }));
`;

export interface LibraryFolder {
  readonly path: string;
  remove(): void;
}

export function makeLibraryFolder(): LibraryFolder {
  const path = mkdtempSync(join(tmpdir(), 'funcoap-fuzz-'));
  mkdirSync(join(path, 'fuzz'));
  writeFileSync(join(path, 'fuzz', 'index.ts'), source);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
