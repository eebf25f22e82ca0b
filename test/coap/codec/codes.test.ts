import { describe, expect, it } from 'vitest';
import {
  codeName,
  dotted,
  isRequestCode,
  isResponseCode,
  method,
  responseCode,
} from '../../../src/coap/codec/codes.ts';

describe('codes (RFC 7252 §12.1)', () => {
  it('of methods and responses all have names', () => {
    for (const [name, code] of Object.entries(method))
      expect([codeName(code), isRequestCode(code)]).toEqual([name, true]);
    for (const [name, code] of Object.entries(responseCode)) {
      const spelled = codeName(code)?.replaceAll(/[ -]/g, '').toLowerCase();
      expect([spelled, isResponseCode(code)]).toEqual([name.toLowerCase(), true]);
    }
    expect([codeName(0), codeName(0xff)]).toEqual(['Empty', undefined]);
  });

  it('are written as the RFCs write them', () => {
    expect([0, method.FETCH, responseCode.content, responseCode.tooManyRequests, 0xff].map(dotted)).toEqual([
      '0.00',
      '0.05',
      '2.05',
      '4.29',
      '7.31',
    ]);
  });
});
