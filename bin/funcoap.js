#!/usr/bin/env node
// Plain JavaScript without any import at the top: an older Node must get as far as the sentence below.
const fs = process.getBuiltinModule?.('node:fs') ?? (await import('node:fs'));
const needed = JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8')).engines.node;
const [major, minor] = process.versions.node.split('.').map(Number);
// `needed` is a list such as "^22.18.0 || >=24.11.0".
const isEnough = needed.split('||').some((range) => {
  const [, operator, fromMajor, fromMinor] = /(\^|>=)\s*(\d+)\.(\d+)/.exec(range);
  return major === Number(fromMajor) ? minor >= Number(fromMinor) : operator === '>=' && major > Number(fromMajor);
});
if (isEnough) {
  // In a checkout the source is what counts: dist may be older. The published package has no src.
  const source = new URL('../src/cli/main.ts', import.meta.url);
  await import(fs.existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
} else {
  console.error(`funcoap needs Node ${needed.replace('||', 'or')}; this is Node ${process.versions.node}.`);
  process.exitCode = 1;
}
