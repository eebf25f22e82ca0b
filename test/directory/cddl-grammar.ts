/**
 * A recogniser of CDDL, production by production of RFC 8610 Appendix B. Left out, because funcoap
 * writes none of them: generics, byte strings, `~`, `&`, `#` but for tags, hexadecimal and binary numbers,
 * `//`, `/=` and counted occurrences.
 */

/** True where the whole text is CDDL. */
export function isCddl(text: string): boolean {
  return rules(text, 0) === text.length;
}

/** A production: where it ends when it matches at `at`, otherwise -1. */
type Production = (text: string, at: number) => number;

const match =
  (pattern: RegExp): Production =>
  (text, at) => {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : -1;
  };

const sequence =
  (...parts: readonly Production[]): Production =>
  (text, at) => {
    let end = at;
    for (const part of parts) {
      end = part(text, end);
      if (end < 0) return -1;
    }
    return end;
  };

const either =
  (...choices: readonly Production[]): Production =>
  (text, at) => {
    for (const choice of choices) {
      const end = choice(text, at);
      if (end >= 0) return end;
    }
    return -1;
  };

const optional = (part: Production): Production => either(part, (_, at) => at);

const many =
  (part: Production): Production =>
  (text, at) => {
    let end = at;
    for (let next = part(text, end); next > end; next = part(text, end)) end = next;
    return end;
  };

const later =
  (part: () => Production): Production =>
  (text, at) =>
    part()(text, at);

const S = match(/(?: |\r?\n|;[\x20-\x7e\u{80}-\u{10fffd}]*\r?\n)*/uy);
const id = match(/[A-Za-z@_$](?:[-.]*[A-Za-z@_$0-9])*/uy);
const number = match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/uy);
const textValue = match(/"(?:[\x20-\x21\x23-\x5b\x5d-\x7e\u{80}-\u{10fffd}]|\\[\x20-\x7e\u{80}-\u{10fffd}])*"/uy);
const value = either(number, textValue);

const type: Production = later(() => sequence(type1, many(sequence(S, match(/\/(?!\/)/uy), S, type1))));
const group: Production = later(() => many(sequence(groupEntry, S, optional(match(/,/uy)), S)));
const type2 = either(
  value,
  id,
  sequence(match(/\(/uy), S, type, S, match(/\)/uy)),
  sequence(match(/\{/uy), S, group, S, match(/\}/uy)),
  sequence(match(/\[/uy), S, group, S, match(/\]/uy)),
  sequence(match(/#6(?:\.(?:0|[1-9]\d*))?\(/uy), S, type, S, match(/\)/uy)),
);
const operator = either(match(/\.\.\.?/uy), sequence(match(/\./uy), id));
const type1 = sequence(type2, optional(sequence(S, operator, S, type2)));
const memberKey = either(
  sequence(id, S, match(/:/uy)),
  sequence(value, S, match(/:/uy)),
  sequence(type1, S, optional(match(/\^/uy)), S, match(/=>/uy)),
);
const groupEntry = sequence(optional(sequence(match(/[?*+]/uy), S)), optional(sequence(memberKey, S)), type);
const rules: Production = (text, at) => sequence(S, many(sequence(id, S, match(/=/uy), S, type, S)))(text, at);
