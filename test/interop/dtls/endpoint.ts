/** Our DTLS endpoint on a real socket, with an application that answers what it hears; and programs of others, run once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { concatBytes, textOf, utf8 } from '../../../src/core/bytes.ts';
import type { Datagram, Endpoint } from '../../../src/core/datagram.ts';
import type { AssociationEndpoint } from '../../../src/dtls/association.ts';
import { cipherSuites } from '../../../src/dtls/cipher-suites.ts';
import type { ClientCredentials, ServerCredentials } from '../../../src/dtls/credentials.ts';
import { nodeCrypto } from '../../../src/dtls/crypto.ts';
import type { DtlsEvent } from '../../../src/dtls/event.ts';
import { defaultDtlsOptions, type DtlsOptions } from '../../../src/dtls/options.ts';
import type { ClientSession } from '../../../src/dtls/session.ts';
import { TicketKeys } from '../../../src/dtls/ticket.ts';
import { drive, type SansIoEngine } from '../../../src/transport/driver.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { SecuredEngine } from '../../../src/transport/secured-engine.ts';
import { openUdp } from '../../../src/transport/udp.ts';
import { certificateServer } from '../../dtls/certificates.ts';

export const psk: Uint8Array = utf8('secretPSK-of-any-length');
export const pskHex: string = Buffer.from(psk).toString('hex');
export const pskIdentity = 'device-1';

export const pki = (file: string): string => fileURLToPath(new URL(`../../vectors/pki/${file}`, import.meta.url));

export const credentials: ServerCredentials = {
  ...certificateServer,
  preSharedKey: (identity) =>
    textOf(identity) === pskIdentity ? { name: 'lamp', key: psk, allowLegacyMasterSecret: false } : undefined,
};

/** Says `echo <what it heard>`, and remembers it. */
class Echo implements SansIoEngine {
  readonly heard: string[] = [];
  #output: Datagram[] = [];

  receive(batch: readonly Datagram[]): void {
    for (const datagram of batch) {
      this.heard.push(textOf(datagram.bytes) ?? '?');
      this.#output.push({ ...datagram, bytes: concatBytes([utf8('echo '), datagram.bytes]) });
    }
  }
  say(endpoint: Endpoint, text: string): void {
    this.#output.push({ bytes: utf8(text), endpoint, multicast: false });
  }
  poll(): void {
    // It has no timers.
  }
  nextDeadline(): undefined {
    return undefined;
  }
  takeOutput(): readonly Datagram[] {
    return this.#output.splice(0);
  }
}

export interface RunningEndpoint {
  readonly port: number;
  readonly events: readonly DtlsEvent[];
  readonly heard: readonly string[];
  connect(port: number, credentials: ClientCredentials, session?: ClientSession): AssociationEndpoint;
  say(endpoint: Endpoint, text: string): void;
  /** The engine that was given has something to send. */
  wake(): void;
  /** Until `found` gives something, for at most five seconds. */
  until<T>(what: string, found: () => T | undefined): Promise<T>;
  close(): Promise<void>;
}

export async function openEndpoint(options: Partial<DtlsOptions>, engine?: SansIoEngine): Promise<RunningEndpoint> {
  const echo = new Echo();
  const events: DtlsEvent[] = [];
  const secured = new SecuredEngine(
    {
      ...defaultDtlsOptions,
      crypto: nodeCrypto,
      wallClock: () => Date.now(),
      cipherSuites,
      tickets: new TicketKeys(nodeCrypto, 3_600_000),
      ...options,
    },
    engine ?? echo,
    (event) => events.push(event),
    systemScheduler.now(),
  );
  const driven = await drive(secured, (receiver) => openUdp({ listen: ['127.0.0.1'], port: 0 }, receiver));
  return {
    port: driven.transport.addresses[0]?.port ?? 0,
    events,
    heard: echo.heard,
    connect(port, credentials, session) {
      const peer = driven.transport.endpoint({ address: '127.0.0.1', port });
      const endpoint = secured.dtls.connect(peer, credentials, systemScheduler.now(), session);
      driven.wake();
      return endpoint;
    },
    say(endpoint, text) {
      echo.say(endpoint, text);
      driven.wake();
    },
    wake: () => driven.wake(),
    async until(what, found) {
      for (let tries = 0; tries < 250; tries++) {
        const value = found();
        if (value !== undefined) return value;
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
      }
      throw new Error(`waited in vain for ${what}; events: ${events.map(describeEvent).join(', ')}`);
    },
    close: () => driven.close(),
  };
}

const describeEvent = (event: DtlsEvent): string => (event.type === 'failed' ? `failed: ${event.reason}` : event.type);

export const establishedOf = (events: readonly DtlsEvent[]): Extract<DtlsEvent, { type: 'established' }>[] =>
  events.filter((event) => event.type === 'established');

/** A program that talks through its standard input and output. */
export class Program {
  readonly #child: ChildProcess;
  printed = '';

  constructor(program: string, ...args: readonly string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    const hear = (text: unknown): void => {
      this.printed += String(text);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.stdin.on('error', () => undefined); // it may be gone before it was told to go
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  write(bytes: Uint8Array): void {
    this.#child.stdin?.write(bytes);
  }

  /** Until it has printed something that matches. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (let tries = 0; tries < 500; tries++) {
      const found = pattern.exec(this.printed);
      if (found !== null) return found;
      if (this.#child.exitCode !== null && tries > 10) break;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    throw new Error(`it did not print ${String(pattern)}, but:\n${this.printed}`);
  }

  /** Its input ends; if that does not end it, it is stopped. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 500);
    await exited;
    clearTimeout(timer);
  }
}
