/** Two kinds of plots as SVG text, readable on light and on dark ground. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly lowest: number;
  readonly highest: number;
  /** One of ours. */
  readonly own: boolean;
}

export interface Series {
  readonly label: string;
  readonly values: readonly (number | undefined)[];
}

export interface LinePlot {
  readonly title: string;
  /** Below the points, evenly spaced. */
  readonly steps: readonly string[];
  readonly series: readonly Series[];
  readonly logarithmic: boolean;
}

const width = 720;
const left = 230;
const right = 110;
const top = 44;

const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #656d76 }
.axis { stroke: #d0d7de }
.range { stroke: #1f2328; stroke-width: 1.5 }
.own { fill: #0969da } .other { fill: #afb8c1 }
.s0 { stroke: #0969da; fill: #0969da } .s1 { stroke: #bc4c00; fill: #bc4c00 } .s2 { stroke: #1a7f37; fill: #1a7f37 }
.s3 { stroke: #8250df; fill: #8250df } .s4 { stroke: #bf3989; fill: #bf3989 } .s5 { stroke: #656d76; fill: #656d76 }
polyline { fill: none !important; stroke-width: 2 } text[class^=s] { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #8d96a0 } .axis { stroke: #30363d } .range { stroke: #e6edf3 }
.own { fill: #4493f8 } .other { fill: #57606a }
.s0 { stroke: #4493f8; fill: #4493f8 } .s1 { stroke: #f0883e; fill: #f0883e } .s2 { stroke: #3fb950; fill: #3fb950 }
.s3 { stroke: #ab7df8; fill: #ab7df8 } .s4 { stroke: #db61a2; fill: #db61a2 } .s5 { stroke: #9198a1; fill: #9198a1 }
}
</style>`;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => escapes[sign] ?? sign);
const thousands = (value: number): string => Math.round(value).toLocaleString('en');
const at = (value: number): string => value.toFixed(1);

const textAt = (x: number, y: number, text: string, attributes = ''): string =>
  `<text x="${at(x)}" y="${at(y)}" ${attributes}>${escaped(text)}</text>`;

function page(height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    style,
    textAt(12, 24, title, 'class="title"'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Lying bars with their ranges, in the given order. */
export function barPlot(title: string, bars: readonly Bar[]): string {
  const row = 26;
  const most = Math.max(1, ...bars.map(({ highest }) => highest));
  const scale = (value: number): number => left + (value / most) * (width - left - right);
  const parts = bars.map(({ label, value, lowest, highest, own }, i) => {
    const y = top + i * row;
    const middle = y + row / 2 - 2;
    return [
      textAt(left - 8, middle + 5, label, 'text-anchor="end"'),
      `<rect x="${left}" y="${at(y)}" width="${at(scale(value) - left)}" height="${row - 6}" class="${own ? 'own' : 'other'}"/>`,
      `<line x1="${at(scale(lowest))}" x2="${at(scale(highest))}" y1="${at(middle)}" y2="${at(middle)}" class="range"/>`,
      textAt(scale(highest) + 8, middle + 5, thousands(value)),
    ].join('\n');
  });
  return page(top + bars.length * row + 10, title, parts);
}

/** Powers of ten around the values, or about five round numbers from 0 on. */
function ticksOf(highest: number, lowest: number, logarithmic: boolean): number[] {
  if (!logarithmic) {
    const power = 10 ** Math.floor(Math.log10(highest / 4));
    const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= highest / 4) ?? 10);
    return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, i) => i * step);
  }
  const from = Math.floor(Math.log10(lowest));
  const to = Math.max(from + 1, Math.ceil(Math.log10(highest)));
  return Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
}

/** Lines over evenly spaced steps, each with its name at the right of its last point. */
export function linePlot({ title, steps, series, logarithmic }: LinePlot): string {
  const height = 340;
  const [from, to, bottom] = [90, width - 190, height - 40];
  const values = series
    .flatMap((one) => one.values)
    .filter((value): value is number => value !== undefined && value > 0);
  const ticks = ticksOf(Math.max(1, ...values), Math.max(1, Math.min(...values)), logarithmic);
  const low: number = ticks[0] ?? 0;
  const high: number = ticks.at(-1) ?? 1;
  const place = (value: number): number =>
    logarithmic ? (Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)) : value / high;
  const x = (step: number): number => (steps.length < 2 ? from : from + (step / (steps.length - 1)) * (to - from));
  const y = (value: number): number => bottom - place(value) * (bottom - top);
  const axes = ticks.flatMap((tick) => [
    `<line x1="${from}" x2="${to}" y1="${at(y(tick))}" y2="${at(y(tick))}" class="axis"/>`,
    textAt(from - 8, y(tick) + 4, thousands(tick), 'text-anchor="end" class="quiet"'),
  ]);
  const names = steps.map((step, i) => textAt(x(i), bottom + 20, step, 'text-anchor="middle" class="quiet"'));
  const ends = labelHeights(series.map(({ values: own }) => y(own.findLast((value) => value !== undefined) ?? low)));
  const lines = series.flatMap(({ label, values: own }, i) => {
    const points = own.flatMap((value, step) =>
      value === undefined || value <= 0 ? [] : [`${at(x(step))},${at(y(value))}`],
    );
    return [
      `<polyline points="${points.join(' ')}" class="s${i % 6}"/>`,
      textAt(to + 8, (ends[i] ?? bottom) + 4, label, `class="s${i % 6}"`),
    ];
  });
  return page(height, title, [...axes, ...names, ...lines]);
}

/** Names that would stand on each other are moved down. */
export function labelHeights(wanted: readonly number[], apart = 16): number[] {
  const order = wanted.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  const heights = [...wanted];
  let last = -Infinity;
  for (const { height, i } of order) {
    last = Math.max(height, last + apart);
    heights[i] = last;
  }
  return heights;
}
