import { describe, expect, test } from 'vitest';
import { failure, only } from './read.ts';

describe('documentation and promises', () => {
  test('the text, its first line, and no tags', () => {
    const { title, doc } = only('/**\n * Lists them.\n *\n * All of them.\n * @safe\n */\nexport function f() {}');
    expect(title).toBe('Lists them.');
    expect(doc).toBe('Lists them.\n\nAll of them.');
  });

  test('@safe, @pure, @shared, @inline; pure is safe', () => {
    expect(only('/** @safe */ export function f() {}')).toMatchObject({ safe: true, pure: false });
    expect(only('/** @pure */ export function f() {}')).toMatchObject({ safe: true, pure: true });
    expect(only('/** @pure @x\n * @shared\n * @inline */ export function f() {}')).toMatchObject({
      shared: true,
      inline: true,
    });
    expect(only('export function f() {}')).toMatchObject({ safe: false, pure: false, shared: false, inline: false });
  });

  test.each([
    ['60', 60_000],
    ['5m', 300_000],
    ['1.5 h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['0', 0],
  ])('@maxAge %s', (text, expected) => {
    expect(only(`/** @pure\n * @maxAge ${text} */ export function f() {}`).maxAge).toBe(expected);
  });

  test('@staleWhileRevalidate and @timeLimit take seconds or a unit too', () => {
    expect(only('/** @pure\n * @staleWhileRevalidate 1m\n * @timeLimit 10 */ export function f() {}')).toMatchObject({
      staleWhileRevalidate: 60_000,
      timeLimit: 10_000,
    });
    expect(only('export function f() {}').timeLimit).toBeUndefined();
  });

  test('a tag that cannot be meant is an error with file and line', () => {
    expect(failure('/** @pure\n * @maxAge soon */\nexport function f() {}').message).toMatch(
      /^libraries\/x\/index\.ts:3: f: @maxAge needs a time/,
    );
    expect(failure('/** @maxAge 60 */ export function f() {}').message).toMatch(/only a pure function/);
    expect(failure('/** @shared */ export function f() {}').code).toBe('library-tag');
    expect(failure('/** @timeLimit 0 */ export function f() {}').code).toBe('library-tag');
  });

  test('an @ in a fenced example is text', () => {
    expect(only('/**\n * How:\n * ```\n * @pure\n * ```\n */\nexport function f() {}')).toMatchObject({
      pure: false,
      doc: 'How:\n```\n@pure\n```',
    });
  });

  test('@returns adds to the text, and its type counts where nothing else says one', () => {
    const { doc, returns } = only('/** Adds.\n * @returns {number} the sum */\nexport function f() {}', 'index.js');
    expect(doc).toBe('Adds.\n\nReturns the sum');
    expect(returns).toEqual({ kind: 'number' });
  });

  test('the result type is read through Promise; void is none', () => {
    expect(only('export async function f(): Promise<string[]> { return []; }').returns).toEqual({
      kind: 'array',
      items: { kind: 'string' },
    });
    expect(only('export function f(): void {}').returns).toBeUndefined();
  });
});
