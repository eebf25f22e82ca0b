import { decodeMessage, encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { request, response } from './call.ts';
import type { Step } from './measure.ts';

export function codecSteps(): Step[] {
  const bytes = encodeMessage(request);
  return [
    { name: `decode the request (${bytes.length} bytes)`, run: () => decodeMessage(bytes) },
    { name: `encode the response (${encodeMessage(response).length} bytes)`, run: () => encodeMessage(response) },
  ];
}
