/**
 * The keys of tickets (RFC 5077), a file for each period of time, sealed under the key file. The first process that needs one
 * makes it, and all others find it. What is too old to open anything is removed when the next is made.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TicketKeyKeeper } from '../../dtls/ticket.ts';
import { makeDataFolder } from '../data-folder.ts';
import type { SecretSeal } from '../secret-seal.ts';

const prefix = 'ticket-key.';
/** Of which tickets may still be good. */
const keptPeriods = 2;

export class TicketKeyFiles implements TicketKeyKeeper {
  readonly #folder: string;
  readonly #seal: SecretSeal;
  readonly #onFault: (error: unknown) => void;

  /** @param onFault a key cannot be kept: tickets under it end with the process */
  constructor(folder: string, seal: SecretSeal, onFault: (error: unknown) => void) {
    this.#folder = folder;
    this.#seal = seal;
    this.#onFault = onFault;
  }

  find(period: number): Uint8Array | undefined {
    try {
      return this.#seal.open(readFileSync(this.#pathOf(period)), ownerOf(period));
    } catch {
      // There is none, or one of another key file: its tickets open nothing, and cost a full handshake.
      return undefined;
    }
  }

  keep(period: number, key: Uint8Array): Uint8Array {
    const path = this.#pathOf(period);
    const aside = `${path}.${randomBytes(8).toString('hex')}`;
    try {
      makeDataFolder(this.#folder);
      writeFileSync(aside, this.#seal.seal(key, ownerOf(period)), { mode: 0o600, flag: 'wx' });
      try {
        linkSync(aside, path);
      } catch {
        const other = this.find(period);
        if (other !== undefined) return other;
        // It is there and does not open.
        rmSync(path, { force: true });
        linkSync(aside, path);
      } finally {
        rmSync(aside, { force: true });
      }
      this.#removeBefore(period - keptPeriods);
    } catch (error) {
      this.#onFault(error);
    }
    return key;
  }

  #removeBefore(period: number): void {
    for (const name of readdirSync(this.#folder)) {
      const isOld = name.startsWith(prefix) && Number.parseInt(name.slice(prefix.length), 10) < period;
      if (isOld) rmSync(join(this.#folder, name), { force: true });
    }
  }

  #pathOf(period: number): string {
    return join(this.#folder, `${prefix}${period}`);
  }
}

const ownerOf = (period: number): string => `the ticket key of period ${period}`;
