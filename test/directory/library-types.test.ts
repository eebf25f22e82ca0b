/** Classes of which none is made, in declarations and signatures. What TypeScript makes of all others: test/interop/sdk-types.test.ts. */
import { expect, test } from 'vitest';
import { libraryTypes } from '../../src/directory/library-types.ts';
import { signatureText } from '../../src/directory/signature-text.ts';
import { add, matrix } from './sample.ts';

const notMade = { ...matrix, notMade: 'it is abstract', parameters: [] };

test('a class of which no objects are made has an interface for those that there are, and is nothing to call', () => {
  expect(libraryTypes([add, matrix], 'coap://gw')).toContain('readonly "Matrix": RemoteClass<');
  const types = libraryTypes([add, notMade], 'coap://gw');
  expect(types).toContain('readonly "add": RemoteFunction<');
  expect(types).not.toContain('RemoteClass');
  expect(types).toContain('export interface math_Matrix extends ObjectControls<');
});

test('a class is signed with new, unless no objects are made of it', () => {
  expect([signatureText(matrix), signatureText(notMade)]).toEqual(['new Matrix(size: number)', 'class Matrix']);
});
