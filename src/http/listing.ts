/** What this door itself says of the libraries that a caller may know of, as JSON or CBOR, made once for as long as they stay the same. */
import { etagOf } from '../cache/etag.ts';
import { isValueFormat } from '../cbor/content-format.ts';
import { encodeRepresentation } from '../cbor/representation.ts';
import { milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import { CallError } from '../functions/call-error.ts';
import type { LibraryDescription } from '../functions/description.ts';
import type { DoorAnswer, DoorVisit } from './gateway-face.ts';

export type Listing = (visit: DoorVisit, accept: readonly number[]) => DoorAnswer | Promise<DoorAnswer>;

const noTime = milliseconds(0);

export function listing(valueOf: (libraries: readonly LibraryDescription[]) => Value): Listing {
  const made = new WeakMap<readonly LibraryDescription[], Map<number, DoorAnswer>>();
  const answer = (libraries: readonly LibraryDescription[], accept: readonly number[]): DoorAnswer => {
    const format = accept.find(isValueFormat);
    if (format === undefined)
      throw new CallError('not-acceptable', 'This is given as JSON or CBOR; accept one of them.');
    const forms = made.get(libraries) ?? new Map<number, DoorAnswer>();
    made.set(libraries, forms);
    const known = forms.get(format);
    if (known !== undefined) return known;
    const bytes = encodeRepresentation(valueOf(libraries), format);
    const form: DoorAnswer = {
      bytes,
      format,
      etag: etagOf(format, bytes),
      maxAge: 0,
      private: true,
      cache: 'none',
      queued: noTime,
      ran: noTime,
    };
    forms.set(format, form);
    return form;
  };
  return (visit, accept) => {
    const libraries = visit.libraries();
    return libraries instanceof Promise ? libraries.then((later) => answer(later, accept)) : answer(libraries, accept);
  };
}
