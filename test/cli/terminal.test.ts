/** The terminal that a person looks at. */
import { afterEach, expect, test, vi } from 'vitest';
import { systemTerminal } from '../../src/cli/terminal.ts';

afterEach(() => vi.restoreAllMocks());

test.each(['out', 'err'] as const)('what a gateway says drives no terminal: %s', (name) => {
  const stream = name === 'out' ? process.stdout : process.stderr;
  const written: unknown[] = [];
  vi.spyOn(stream, 'write').mockImplementation((text) => written.push(text) > 0);
  systemTerminal[name]('\u001b]0;title\u0007\n');
  expect(written).toEqual([String.raw`\u001b]0;title\u0007` + '\n']);
});

test('bytes that were asked for are written as they are', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const bytes = Uint8Array.of(0x1b, 0x5b, 0x32, 0x4a);
  systemTerminal.out(bytes);
  expect(write).toHaveBeenCalledWith(bytes);
});
