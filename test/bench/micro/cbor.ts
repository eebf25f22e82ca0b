import { decodeCbor } from '../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import type { Value } from '../../../src/core/value.ts';
import { request } from './call.ts';
import type { Step } from './measure.ts';

const map: Value = { id: 7, name: 'temperature', value: 21.5, unit: 'Cel', ok: true };

export function cborSteps(): Step[] {
  const bytes = encodeCbor(map);
  return [
    { name: `decode the arguments (${request.payload.length} bytes)`, run: () => decodeCbor(request.payload) },
    { name: `decode a map of five (${bytes.length} bytes)`, run: () => decodeCbor(bytes) },
    { name: 'encode the result', run: () => encodeCbor(30) },
    { name: 'encode a map of five', run: () => encodeCbor(map) },
  ];
}
