import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProgram, everyCommand, pathOf } from '../../src/cli/program.ts';
import { exitCode } from '../../src/cli/exit-code.ts';
import { systemTerminal } from '../../src/cli/terminal.ts';
import { ran } from './terminal.ts';

const document = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
const program = createProgram(systemTerminal, () => {});
const leaves = everyCommand(program).filter(
  (command) => command !== program && command.commands.length === 0 && command.name() !== 'help',
);

test.each(['', ...leaves.map(pathOf)])('docs/cli.md has the help of `funcoap %s` as it is printed', async (path) => {
  const { out, code } = await ran([...path.split(' ').filter((word) => word !== ''), '--help']);
  expect(code).toBe(0);
  expect(document).toContain(`## ${`funcoap ${path}`.trim()}\n\n\`\`\`text\n${out.trimEnd()}\n\`\`\`\n`);
});

test('docs/cli.md has a section for each command and for no other', () => {
  const sections = [...document.matchAll(/^## funcoap ?(.*)$/gm)].map((match) => match[1]);
  expect(sections).toEqual(['', ...leaves.map(pathOf)]);
});

test('docs/cli.md lists the exit codes', () => {
  const rows = [...document.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
  expect(rows).toEqual(Object.values(exitCode));
});

test.each(leaves.map((command) => [pathOf(command), command] as const))('the help of %s has examples', async (path) => {
  const { out } = await ran([...path.split(' '), '--help']);
  expect(out).toMatch(/\nExamples:\n {2}\S/);
});
