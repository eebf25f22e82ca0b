/**
 * Arguments -> key: equal keys for equal canonical CBOR (RFC 8949 §4.2.1), different keys for any others. This is on the
 * way of every hit, so numbers, texts and the like, most arguments that there are, are spelled out as they are;
 * what has members goes as its canonical bytes. Each argument begins with a letter and ends where it says.
 *
 *   i5;   integer      d1.5;  float       b9007199254740992;  integer from 2^53
 *   s3:abc  text       t f n u  true, false, null, undefined   c2:..  canonical CBOR, a byte a character
 */
import { createHash } from 'node:crypto';
import { encodeExactly } from '../cbor/encode.ts';
import { FuncoapError } from '../core/error.ts';
import type { Value } from '../core/value.ts';

/** Longer keys are replaced by their hash: comparing and keeping them costs more. */
const longestKey = 512;

/** Undefined where CBOR has no encoding for an argument: then there is no telling whether two calls are the same. */
export function argumentsKey(args: readonly Value[]): string | undefined {
  let key = '';
  for (const arg of args) {
    switch (typeof arg) {
      case 'number':
        key += numberKey(arg);
        break;
      case 'string':
        key += `s${arg.length}:${arg}`;
        break;
      case 'boolean':
        key += arg ? 't' : 'f';
        break;
      case 'undefined':
        // Not null: a function's own default applies to undefined alone.
        key += 'u';
        break;
      case 'bigint':
        key += Number.isSafeInteger(Number(arg)) ? `i${arg};` : `b${arg};`;
        break;
      case 'object': {
        const part = arg === null ? 'n' : objectKey(arg);
        if (part === undefined) return undefined;
        key += part;
        break;
      }
      default:
        // A function or symbol that an application passed in spite of the types.
        return undefined;
    }
  }
  // utf16le keeps every string apart; UTF-8 would make one of all lone surrogates.
  return key.length <= longestKey ? key : `h${createHash('sha256').update(key, 'utf16le').digest().toString('latin1')}`;
}

function numberKey(value: number): string {
  if (!Number.isSafeInteger(value)) return `d${value};`;
  return value === 0 && Object.is(value, -0) ? 'd-0;' : `i${value};`;
}

function objectKey(value: Value): string | undefined {
  try {
    const bytes = encodeExactly(value);
    return `c${bytes.length}:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`;
  } catch (error) {
    if (error instanceof FuncoapError && error.code === 'unencodable-value') return undefined;
    throw error;
  }
}
