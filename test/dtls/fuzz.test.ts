import { expect, test } from 'vitest';
import { fuzzDtls } from './fuzz.ts';

test(
  'mutated records and handshakes: nothing throws, all stays bounded, nobody comes in who may not',
  { timeout: 60_000 },
  () => {
    const outcome = fuzzDtls(20_000, 7);
    expect(outcome.datagrams).toBeGreaterThanOrEqual(20_000);
    // It reaches all states: it is not stopped at the door.
    expect(outcome.established).toBeGreaterThan(100);
    expect(outcome.heard).toBeGreaterThan(100);
    expect(outcome.dropped).toBeGreaterThan(1000);
    expect(outcome.lies).toBeGreaterThan(1000);
  },
);
