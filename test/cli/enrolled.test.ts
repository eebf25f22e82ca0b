/** Who is enrolled, as a gateway process reads it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openEnrolled } from '../../src/cli/enrolled.ts';
import { openLog } from '../../src/telemetry/log.ts';

test('a gateway that cannot say what it has taken up serves all the same, and tells its log', async () => {
  const data = mkdtempSync(join(tmpdir(), 'funcoap-enrolled-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  // As on a disk that is full.
  writeFileSync(join(data, 'gateways'), '');
  const lines: string[] = [];
  const log = openLog({ level: 'silent', format: 'json', fileDescriptor: 2, environment: {}, timeOfDay: () => 0 });
  vi.spyOn(log.logger, 'error').mockImplementation((...[, text]: unknown[]) => void lines.push(String(text)));
  const enrolled = await openEnrolled(data, log.logger);
  enrolled.takesPart(0);
  expect(lines).toEqual([expect.stringContaining('gateways')]);
  expect(enrolled.credentials.byName('nobody')).toBeUndefined();
  await enrolled.close();
  expect(readFileSync(join(data, 'gateways'), 'utf8')).toBe('');
  await log.close();
});
