/** What `serve` prints when it is ready. */
import { expect, test } from 'vitest';
import { banner } from '../../src/cli/serve-banner.ts';
import { systemTerminal } from '../../src/cli/terminal.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { plain } from '../../src/telemetry/paint.ts';
import { add, math } from '../directory/sample.ts';

const bannerOf = (functions: readonly FunctionDescription[]): string =>
  banner(
    {
      addresses: [{ address: '127.0.0.1', port: 5683 }],
      securedAddresses: [],
      httpUrls: [],
      whoCanCall: 'nobody',
      libraries: [{ ...math, functions }],
      processes: 1,
      metricsUrl: undefined,
    },
    { ...systemTerminal, outPaint: plain },
  );

test('classes are counted with the functions, what cannot be called is not', () => {
  expect(bannerOf(math.functions)).toMatch(/^math +3 /m);
});

test('what cannot be called is not shown as a call to try', () => {
  const safe = { ...add, method: 'sum', parameters: [] };
  expect(bannerOf([{ ...safe, notCallable: 'it is none' }])).not.toContain('func/math/sum');
  expect(bannerOf([safe])).toContain('func/math/sum');
});
