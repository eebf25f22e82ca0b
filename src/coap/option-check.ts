/**
 * Which options of a request are understood (RFC 7252 §5.4.1, §5.4.3, §5.4.5): one that is unknown, has a length
 * out of bounds, or is repeated where it may not be, counts as unrecognized. Elective ones are then ignored;
 * a critical one fails the request.
 */
import { isCritical, optionDefinitions, type Option } from './codec/options.ts';

/** The options to go on with (the same array where all are fine), or the number of the critical one that failed. */
export function checkOptions(options: readonly Option[]): readonly Option[] | number {
  let previous = -1;
  for (const option of options) {
    const { number } = option;
    if (!isRecognized(option, previous)) {
      if (isCritical(number)) return number;
      return dropUnrecognized(options);
    }
    previous = number;
  }
  return options;
}

function isRecognized({ number, value }: Option, previous: number): boolean {
  const definition = optionDefinitions.get(number);
  return (
    definition !== undefined &&
    value.length >= definition.minLength &&
    value.length <= definition.maxLength &&
    (number !== previous || definition.repeatable)
  );
}

function dropUnrecognized(options: readonly Option[]): readonly Option[] | number {
  const kept: Option[] = [];
  let previous = -1;
  for (const option of options) {
    if (isRecognized(option, previous)) kept.push(option);
    else if (isCritical(option.number)) return option.number;
    previous = option.number;
  }
  return kept;
}
