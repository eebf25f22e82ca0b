/** Ways of giving arguments, and functions that take them, for tests. */
import type { Value } from '../../src/core/value.ts';
import { bind, type ArgumentInput } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { functionOf } from './functions-of.ts';

export const body = (value: Value): ArgumentInput => ({ kind: 'body', value });
export const query = (...items: string[]): ArgumentInput => ({ kind: 'query', items });
export const none: ArgumentInput = { kind: 'none' };

export function failure(fn: FunctionDescription, input: ArgumentInput): CallError {
  try {
    bind(fn, input);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('it binds');
}

export const add: FunctionDescription = functionOf('export function add(a: number, b: number) {}');
export const list: FunctionDescription = functionOf("export function list(file = 'os.db', limit?: number) {}");
export const total: FunctionDescription = functionOf('export function total(base: number, ...xs: number[]) {}');
