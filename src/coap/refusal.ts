/**
 * Why the engine refuses a request by itself, before any resource sees it. The application may say how an error
 * is told to peers (RFC 7252 §5.5.2 asks for a diagnostic payload, RFC 9290 offers structure).
 */
import { responseCode, type ResponseCode } from './codec/codes.ts';
import type { Option } from './codec/options.ts';
import { response, type Response } from './response.ts';

export type RefusalReason =
  | 'bad-option'
  | 'bad-request'
  | 'incomplete'
  | 'too-large'
  | 'overloaded'
  | 'proxying-not-supported';

export interface Refusal {
  readonly reason: RefusalReason;
  /** One sentence for people. */
  readonly message: string;
  /** Max-Age: 0 unless it makes sense to come back. */
  readonly retryAfterSeconds?: number;
  /** The largest body that is accepted, with `too-large`. */
  readonly size1?: number;
}

/** The payload that tells a refusal; `options` are those of the request, as they came. */
export type RefusalPayload = (
  refusal: Refusal,
  options: readonly Option[],
) => { readonly contentFormat: number; readonly payload: Uint8Array };

const codes: Readonly<Record<RefusalReason, ResponseCode>> = {
  'bad-option': responseCode.badOption, // RFC 7252 §5.4.1
  'bad-request': responseCode.badRequest,
  'incomplete': responseCode.requestEntityIncomplete, // RFC 7959 §2.9.2
  'too-large': responseCode.requestEntityTooLarge, // RFC 7959 §2.9.3
  'overloaded': responseCode.serviceUnavailable,
  'proxying-not-supported': responseCode.proxyingNotSupported, // RFC 7252 §5.7.2
};

export function refusalResponse(
  refusal: Refusal,
  options: readonly Option[],
  tell: RefusalPayload | undefined,
): Response {
  const { reason, retryAfterSeconds = 0, size1 } = refusal;
  return response(codes[reason], {
    maxAge: retryAfterSeconds,
    ...(size1 !== undefined && { size1 }),
    ...tell?.(refusal, options),
  });
}
