import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeOthers } from '../../src/cli/kept-associations.ts';

test('what cannot be removed of others is told in one sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-others-'));
  const associations = join(folder, 'associations');
  mkdirSync(join(associations, '7.lock'), { recursive: true });
  writeFileSync(join(associations, '7.state'), '');
  const told = (): void => removeOthers({ data: { folder } }, [0]);
  expect(told).toThrow(new RegExp(`^The lock ${join(associations, '7.lock')} cannot be taken: [^:]+[^.]\\.$`));
  rmSync(folder, { recursive: true });
});
