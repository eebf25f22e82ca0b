import { describe, expect, test } from 'vitest';
import { readArguments } from '../../src/cli/call-arguments.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { DescribedFunction, DescribedType } from '../../src/directory/described.ts';

const parameter = (name: string, type: DescribedType, required = false) => ({
  name,
  type,
  required,
  id: undefined,
  rest: false,
  doc: undefined,
});

const fn: DescribedFunction = {
  library: 'lib',
  method: 'method',
  libraryId: 0,
  id: 0,
  parameters: [
    parameter('n', { kind: 'number' }, true),
    parameter('text', { kind: 'string' }),
    parameter('flag', { kind: 'boolean' }),
    parameter('raw', { kind: 'bytes' }),
    parameter('when', { kind: 'date' }),
    parameter('list', { kind: 'array', items: { kind: 'integer' } }),
    parameter('anything', { kind: 'array', items: { kind: 'any' } }),
    parameter('any', { kind: 'any' }),
    parameter('either', { kind: 'union', options: [{ kind: 'number' }, { kind: 'string' }] }),
  ],
  returns: undefined,
  title: undefined,
  doc: undefined,
  safe: true,
  pure: false,
  maxAge: milliseconds(0),
  notCallable: undefined,
};

const sources: Readonly<Record<string, string>> = { '-': '42\n', 'f.json': '{"a":[1]}', 'f.txt': 'some text\n' };
const read = (name: string): Promise<Uint8Array> => Promise.resolve(utf8(sources[name] ?? ''));
const given = async (...texts: string[]): Promise<unknown> => await readArguments(fn, ['n=0', ...texts], read);

describe('a value is what the signature says', () => {
  test.each<[string[], object]>([
    [['text=10'], { text: '10' }],
    [['text=a=b'], { text: 'a=b' }],
    [['text='], { text: '' }],
    [['text=@f.txt'], { text: 'some text\n' }],
    [['text=@@home'], { text: '@home' }],
    [['text:="-"'], { text: '-' }],
    [['flag'], { flag: true }],
    [['flag=false'], { flag: false }],
    [['raw=AQI'], { raw: Uint8Array.of(1, 2) }],
    [['raw=@f.json'], { raw: utf8('{"a":[1]}') }],
    [['when=2026-01-31T12:00:00Z'], { when: new Date('2026-01-31T12:00:00Z') }],
    [['list=1', 'list=2'], { list: [1, 2] }],
    [['list=[1,2]'], { list: [1, 2] }],
    [['anything=1'], { anything: [1] }],
    [['anything=1', 'anything=a'], { anything: [1, 'a'] }],
    [['anything=[1,"2"]'], { anything: [1, '2'] }],
    [['any=10'], { any: 10 }],
    [['any=ten'], { any: 'ten' }],
    [['any={"a":[true]}'], { any: { a: [true] } }],
    [['any=@f.json'], { any: { a: [1] } }],
    [['any:=null'], { any: null }],
    [['any=1', 'any=x'], { any: [1, 'x'] }],
    [['either=1.5'], { either: 1.5 }],
    [['either=x'], { either: 'x' }],
  ])('%j', async (texts, expected) => {
    expect(await given(...texts)).toEqual({ n: 0, ...expected });
  });

  test('a number from the input', async () => {
    expect(await readArguments(fn, ['n=-'], read)).toEqual({ n: 42 });
  });
});

describe('what does not fit is refused before anything is sent', () => {
  test.each<[string[], string]>([
    [['n=ten'], 'n must be a number'],
    [['nn=1'], 'lib/method has no parameter nn; did you mean n?'],
    [['zebra=1', 'n=1'], 'lib/method has no parameter zebra; its parameters are n, text,'],
    [[], 'lib/method needs n (number); write name=value.'],
    [['n=1', 'n=2'], 'n is given 2 times and is no list; give it once.'],
    [['n=1', 'any:=[1'], 'any is not JSON:'],
    [['n=1', 'text'], 'text stands there without "="'],
  ])('%j', async (texts, sentence) => {
    await expect(readArguments(fn, texts, read)).rejects.toThrow(sentence);
  });
});
