#!/usr/bin/env node
// Plain JavaScript: an older Node must get as far as the sentence below.
import { existsSync, readFileSync } from 'node:fs';

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const needed = /"engines": \{\s*"node": "([^"]+)"/.exec(manifest)?.[1] ?? '';
const [major, minor] = process.versions.node.split('.').map(Number);
// A list such as "^22.18.0 || >=24.11.0".
const isEnough = needed.split('||').some((range) => {
  const [, operator, fromMajor, fromMinor] = /(\^|>=)\s*(\d+)\.(\d+)/.exec(range) ?? [];
  return major === Number(fromMajor) ? minor >= Number(fromMinor) : operator === '>=' && major > Number(fromMajor);
});
if (isEnough) {
  // In a checkout the source is what counts: dist may be older. The published package has no src.
  await (existsSync(new URL('../src/cli', import.meta.url))
    ? import('../src/cli/main.ts')
    : import('../dist/cli/main.js'));
} else {
  console.error(`funcoap needs Node ${needed.replace('||', 'or')}; this is Node ${process.versions.node}.`);
  process.exitCode = 1;
}
