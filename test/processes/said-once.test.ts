import { expect, test } from 'vitest';
import { SaidOnce } from '../../src/processes/said-once.ts';

/** `process subject words` in order; those that are said. */
function said(once: SaidOnce, ...lines: readonly string[]): string[] {
  return lines.filter((line) => {
    const [process, subject = '', words = ''] = line.split(' ');
    return once.isNew(Number(process), subject, words);
  });
}

test('what all processes say is said once, by the first', () => {
  expect(
    said(new SaidOnce(), '2 math loaded', '1 math loaded', '1 date loaded', '3 math loaded', '2 date loaded'),
  ).toEqual(['2 math loaded', '1 date loaded']);
});

test('what happens again is said again, once', () => {
  const lines = ['1 math loaded', '2 math loaded', '2 math loaded', '1 math loaded'];
  expect(said(new SaidOnce(), ...lines)).toEqual(['1 math loaded', '2 math loaded']);
});

test('what is different in one process is said', () => {
  const lines = ['1 math loaded', '2 math loaded', '2 math failed', '2 math loaded', '1 math loaded'];
  expect(said(new SaidOnce(), ...lines)).toEqual(['1 math loaded', '2 math failed', '2 math loaded']);
});

test('a process that begins anew repeats nothing that is so still', () => {
  const once = new SaidOnce();
  said(once, '1 math loaded', '2 math loaded');
  once.forget(2);
  expect(said(once, '2 math loaded')).toEqual([]);
  once.forget(1);
  expect(said(once, '1 math failed')).toEqual(['1 math failed']);
});

test('ever new subjects are forgotten again', () => {
  const once = new SaidOnce();
  for (let i = 0; i < 5000; i++) expect(once.isNew(1, `library${i}`, 'loaded')).toBe(true);
  expect(once.isNew(2, 'library0', 'loaded')).toBe(true);
  expect(once.isNew(2, 'library4999', 'loaded')).toBe(false);
});
