/**
 * The gateway as doors beside CoAP see it: the same limits, rules, arguments, cache and functions, in no protocol's words. Who is
 * let in goes on with an `AdmittedVisit`.
 */
import type { Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { CallError } from '../functions/call-error.ts';
import type { DoorVisit, GatewayFace } from '../http/gateway-face.ts';
import type { AccessRules } from './access-rules.ts';
import { AdmittedVisit, type VisitOptions } from './door-visit.ts';
import { asCallError, reportFault } from './faults.ts';
import type { RateLimit } from './rate-limit.ts';
import { stopping } from './stopping.ts';

export interface CallsOptions extends VisitOptions {
  readonly access: AccessRules;
  readonly rateLimit: RateLimit;
  readonly showInternals: boolean;
}

export class Calls implements GatewayFace {
  readonly showInternals: boolean;
  readonly #options: CallsOptions;
  #closed = false;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.showInternals = options.showInternals;
  }

  /** From here on everything is 5.03; what is under way goes on. */
  close(): void {
    this.#closed = true;
  }

  admit(guest: Endpoint, now: Instant): DoorVisit {
    if (this.#closed) throw stopping();
    const access = this.#options.access.of(guest.principal);
    const retryAfter = this.#options.rateLimit.take(guest, now, access.rate);
    if (retryAfter !== undefined) {
      throw new CallError('rate-exceeded', 'Too many requests from this caller; come back later.', { retryAfter });
    }
    return new AdmittedVisit(this.#options, guest, access, now);
  }

  countRevalidation(bytes: number): void {
    this.#options.cache.countRevalidation(bytes);
  }

  failure(thrown: unknown, of: { readonly target: string; readonly correlationId: string }): CallError {
    const error = asCallError(thrown);
    reportFault(error, thrown, of);
    return error;
  }
}
