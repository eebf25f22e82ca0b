/**
 * Checks values against declared types, with errors that say where and what would be right.
 * What is converted on the way stands in converter.ts, the wording in mismatch.ts.
 */
import type { Value } from '../core/value.ts';
import { CallError } from './call-error.ts';
import { converterOf, mismatch } from './converter.ts';
import type { ValueType } from './description.ts';
import { mismatchReason } from './mismatch.ts';

/** Which parameter an error is about. */
export interface ParameterName {
  readonly name: string;
  readonly id: number | undefined;
}

/**
 * The canonical form of a value.
 * @param path how messages call the value: `a`, `a.items[2].price`
 * @throws CallError `wrong-type`, with the place and what was expected there
 */
export function check(value: Value, type: ValueType, path: string, parameter?: ParameterName): Value {
  const result = converterOf(type)(value, false);
  if (result === mismatch) throw wrongType(value, type, path, parameter);
  return result;
}

/** The error for a value that `type` does not fit. */
export function wrongType(value: Value, type: ValueType, path: string, parameter?: ParameterName): CallError {
  const reason = mismatchReason(value, type, path);
  const message = reason.endsWith('?') ? reason : `${reason}.`;
  return new CallError(
    'wrong-type',
    message,
    parameter === undefined ? { expected: type } : { parameter, expected: type },
  );
}
