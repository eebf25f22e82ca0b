export type ErrorFamily = 'peer' | 'usage' | 'internal';

/**
 * The base of every error that funcoap raises, in three families.
 * `code` is stable and listed in docs/errors.md; `message` is one sentence for a person.
 */
export abstract class FuncoapError extends Error {
  abstract readonly family: ErrorFamily;
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The peer broke the protocol. */
export class PeerError extends FuncoapError {
  readonly family = 'peer';
}

/** The caller (a person, a configuration, a library author, an application) asked for what cannot be. */
export class UsageError extends FuncoapError {
  readonly family = 'usage';
}

/** A fault of funcoap itself. */
export class InternalError extends FuncoapError {
  readonly family = 'internal';
}
