/**
 * /docs: a page to read the functions and try them, made in the browser from /openapi.json. Its three files lie in docs/; nothing
 * is fetched from anywhere else, and the policy below lets nothing else be.
 */
import { readFileSync } from 'node:fs';
import type { Exchange } from './exchange.ts';

const files = {
  '/docs': ['page.html', 'text/html; charset=utf-8'],
  '/docs/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/docs/page.css': ['page.css', 'text/css; charset=utf-8'],
} as const;

type DocsPath = keyof typeof files;

export const docsFiles: readonly DocsPath[] = ['/docs', '/docs/page.js', '/docs/page.css'];

const headers = [
  // https://www.w3.org/TR/CSP3: what the page needs, each from here alone.
  'content-security-policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-resource-policy',
  'same-origin',
  'cache-control',
  'no-cache',
];

const read = new Map<DocsPath, Uint8Array>();

export function sendDocsFile(path: DocsPath, exchange: Exchange): void {
  const [name, type] = files[path];
  const bytes = read.get(path) ?? new Uint8Array(readFileSync(new URL(`./docs/${name}`, import.meta.url)));
  read.set(path, bytes);
  exchange.plain(200, [...headers, 'content-type', type], bytes);
}
