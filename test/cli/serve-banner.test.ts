/** What `serve` prints when it is ready. */
import { expect, test } from 'vitest';
import { banner } from '../../src/cli/serve-banner.ts';
import { systemTerminal } from '../../src/cli/terminal.ts';
import { plain } from '../../src/telemetry/paint.ts';
import { math } from '../directory/sample.ts';

test('classes are counted with the functions, what cannot be called is not', () => {
  const ready = {
    addresses: [{ address: '127.0.0.1', port: 5683 }],
    securedAddresses: [],
    httpUrls: [],
    whoCanCall: 'nobody',
    libraries: [math],
    processes: 1,
    metricsUrl: undefined,
  };
  expect(banner(ready, { ...systemTerminal, outPaint: plain })).toMatch(/^math +3 /m);
});
