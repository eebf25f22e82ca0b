/** QR codes on a terminal: two rows of modules a line, dark on light whatever the terminal's colours are. */
import { encode } from 'uqr';

/** Black on white. */
const [begin, end] = ['\u001b[30;107m', '\u001b[0m'];

export function qrCodeText(text: string): string {
  // The quiet zone of 4 modules that the standard asks for; 2 are read by every camera and fit small terminals.
  const { data, size } = encode(text, { ecc: 'L', border: 2 });
  const isDark = (row: number, column: number): boolean => data[row]?.[column] ?? false;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    let line = '';
    for (let column = 0; column < size; column++) {
      const [top, bottom] = [isDark(row, column), isDark(row + 1, column)];
      line += top ? (bottom ? '█' : '▀') : bottom ? '▄' : ' ';
    }
    lines.push(`${begin}${line}${end}`);
  }
  return lines.join('\n');
}
