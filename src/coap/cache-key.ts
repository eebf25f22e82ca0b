/**
 * Strings that are equal where RFC 7252 §5.6 says that two requests are the same.
 * Bytes become characters one to one, each option with its number and length in front, so no two lists meet.
 */
import { isNoCacheKey, optionNumber, type Option } from './codec/options.ts';

function append(key: string, option: Option): string {
  let text = `${key}${String.fromCharCode(option.number, option.value.length)}`;
  for (const byte of option.value) text += String.fromCharCode(byte);
  return text;
}

/** Observe is no part of the Cache-Key (RFC 7641 §2), whatever its number says. */
const isOfOneMessage: ReadonlySet<number> = new Set([optionNumber.block1, optionNumber.block2, optionNumber.observe]);

/** Method and Cache-Key without Block1, Block2 and payload: names one request body under assembly (RFC 9175 §3.3). */
export function assemblyKey(code: number, options: readonly Option[]): string {
  let key = String.fromCharCode(code);
  for (const option of options) {
    const { number } = option;
    if (isOfOneMessage.has(number) || isNoCacheKey(number)) continue;
    key = append(key, option);
  }
  return key;
}

const namesRepresentation: ReadonlySet<number> = new Set([
  optionNumber.uriHost,
  optionNumber.uriPort,
  optionNumber.uriPath,
  optionNumber.uriQuery,
  optionNumber.accept,
  optionNumber.requestTag,
]);

/** Method, Uri-*, Accept and Request-Tag: names one stored representation that is read block by block. */
export function representationKey(code: number, options: readonly Option[]): string {
  let key = String.fromCharCode(code);
  for (const option of options) if (namesRepresentation.has(option.number)) key = append(key, option);
  return key;
}
