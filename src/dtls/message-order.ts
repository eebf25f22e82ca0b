/**
 * Which message may come next (RFC 5246 §7.3), as data: a list of steps of which some may be left out. A message that is not
 * in turn ends the handshake; a change_cipher_spec that is not in turn has no effect until it is, because it has no
 * number, and may have overtaken what stands before it.
 */
import { FatalAlert } from './alert.ts';
import type { HandshakeType } from './handshake-message.ts';

export interface Step {
  readonly type: HandshakeType | 'change_cipher_spec';
  readonly optional?: true;
}

export class MessageOrder {
  #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** What comes from here on. */
  expect(steps: readonly Step[]): void {
    this.#steps = steps;
  }

  /** Goes past a handshake message. @throws FatalAlert where it is not in turn. */
  take(type: HandshakeType): void {
    if (!this.#advance(type)) throw new FatalAlert('unexpected_message', `A ${type} message came out of turn`);
  }

  /** Goes past a change_cipher_spec; false where it is not in turn. */
  takeChangeCipherSpec(): boolean {
    return this.#advance('change_cipher_spec');
  }

  #advance(type: Step['type']): boolean {
    const at = this.#steps.findIndex((step) => step.type === type);
    if (at < 0 || this.#steps.slice(0, at).some(({ optional }) => optional !== true)) return false;
    this.#steps = this.#steps.slice(at + 1);
    return true;
  }
}
