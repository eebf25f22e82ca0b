import { encode } from 'uqr';
import { expect, test } from 'vitest';
import { qrCodeText } from '../../src/cli/qr-code.ts';

/** The modules that the half blocks of the lines show: true is dark. */
function modulesOf(text: string): boolean[][] {
  const lines = text.split('\n').map((line) => {
    // Black on white, whatever the terminal's colours are.
    expect(line.startsWith('\u001b[30;107m') && line.endsWith('\u001b[0m')).toBe(true);
    return Array.from(line.slice('\u001b[30;107m'.length, -'\u001b[0m'.length));
  });
  return lines.flatMap((line) => [line.map((c) => c === '█' || c === '▀'), line.map((c) => c === '█' || c === '▄')]);
}

test('every module is where the code has it, with a quiet zone around', () => {
  const text = '{"coaps":"gw.example","identity":"meter-7","key":"0123456789abcdefghijkl"}';
  const shown = modulesOf(qrCodeText(text));
  const { data, size } = encode(text, { ecc: 'L', border: 2 });
  expect(shown.slice(0, size)).toEqual(data);
  // The last line may have a row more than there is: it stays light.
  expect(shown.slice(size).flat()).not.toContain(true);
  for (const edge of [shown[0], shown[1], data.map((row) => row[0])]) expect(edge).not.toContain(true);
});
