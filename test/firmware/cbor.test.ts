/** The C that devices read CBOR with (firmware-examples/common), against the vectors of RFC 8949. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const common = join(root, 'firmware-examples/common');
const vectors = join(root, 'test/vectors/cbor');

interface Accepted {
  readonly vectors: readonly { readonly diagnostic: string; readonly hex: string }[];
}

interface Refused {
  readonly vectors: readonly { readonly kind: string; readonly hex: readonly string[] }[];
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(vectors, name), 'utf8'));
const appendixA = read('rfc8949-appendix-a.json') as Accepted;
const appendixF = read('rfc8949-appendix-f.json') as Refused;

function missingCompiler(): string | undefined {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs a C compiler named cc';
  }
}

const missing = missingCompiler();

/** Where the RFC writes a number in another way than C does, the number is what counts. */
const sameItem = (printed: string, diagnostic: string): boolean =>
  printed === diagnostic || (printed !== '' && diagnostic !== '' && Object.is(Number(printed), Number(diagnostic)));

describe.skipIf(missing !== undefined)(
  `the CBOR reader for devices${missing === undefined ? '' : `: ${missing}`}`,
  () => {
    let folder: string;

    const printed = (items: readonly string[]): string[] => {
      const input = items.map((hex) => `${hex}\n`).join('');
      return execFileSync(join(folder, 'print'), { input, encoding: 'utf8' })
        .trimEnd()
        .split(/\n(?! )/);
    };

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'funcoap-cbor-'));
      const sources = readdirSync(common).filter((name) => name.endsWith('.c'));
      const flags = [
        '-std=c11',
        '-O1',
        '-Wall',
        '-Wextra',
        '-Werror',
        '-fsanitize=address,undefined',
        '-fno-sanitize-recover=all',
        `-I${common}`,
      ];
      const harness = join(import.meta.dirname, 'cbor-print-lines.c');
      execFileSync('cc', [
        ...flags,
        harness,
        ...sources.map((name) => join(common, name)),
        '-o',
        join(folder, 'print'),
        '-lm',
      ]);
    }, 60_000);

    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    it('prints every definite-length item of RFC 8949 appendix A as the RFC does', () => {
      // A bignum (tag 2 or 3) is printed as the tag and the bytes that it is.
      const definite = appendixA.vectors.filter(
        ({ diagnostic, hex }) => !diagnostic.includes('_ ') && !/^c[23]/.test(hex),
      );
      const lines = printed(definite.map(({ hex }) => hex));
      const wrong = definite
        .map(({ diagnostic }, i) => ({ diagnostic, line: (lines[i] ?? '').replaceAll('\n', '') }))
        .filter(({ diagnostic, line }) => !sameItem(line, diagnostic));
      expect(wrong).toEqual([]);
      expect(definite.length).toBeGreaterThan(60);
    });

    it('refuses an indefinite length as not supported', () => {
      const indefinite = appendixA.vectors.filter(({ diagnostic }) => diagnostic.includes('_ '));
      expect(new Set(printed(indefinite.map(({ hex }) => hex)))).toEqual(new Set(['error -95']));
    });

    it('refuses everything that is not well-formed (RFC 8949 appendix F)', () => {
      const items = appendixF.vectors.flatMap(({ hex }) => hex);
      const lines = printed(items);
      expect(items.filter((_, i) => !(lines[i] ?? '').startsWith('error -'))).toEqual([]);
    });

    it('refuses nesting deeper than it has stack for, and bytes that are left over', () => {
      expect(printed(['81'.repeat(200) + '00', '0000'])).toEqual(['error -7', 'error -74']);
    });
  },
);
