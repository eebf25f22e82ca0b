import { describe, expect, test } from 'vitest';
import { defaultTransmissionOptions, deriveParameters } from '../../src/coap/parameters.ts';
import { seconds } from '../../src/core/duration.ts';

describe('times derived from the transmission parameters (RFC 7252 §4.8.2)', () => {
  test('the defaults give the values of the RFC', () => {
    expect(deriveParameters(defaultTransmissionOptions)).toMatchObject({
      maxTransmitSpan: seconds(45),
      maxTransmitWait: seconds(93),
      maxRtt: seconds(202),
      exchangeLifetime: seconds(247),
      nonLifetime: seconds(145),
    });
  });

  test('a slower link has longer ones', () => {
    const slow = deriveParameters({ ...defaultTransmissionOptions, ackTimeout: seconds(10) });
    expect(slow).toMatchObject({ maxTransmitSpan: seconds(225), exchangeLifetime: seconds(225 + 210) });
  });
});
