/** libcoap's coap-client, with the messages that it logs as it sends and receives them. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = 'coap-client-notls';

/** Why its tests cannot run; undefined where they can. */
export function missingCoapClient(): string | undefined {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `needs ${program} (Debian: libcoap3-bin)`;
  }
}

/** A message in libcoap's own words. */
export interface LoggedMessage {
  readonly direction: 'sent' | 'received';
  /** `CON`, `NON`, `ACK` or `RST` */
  readonly type: string;
  /** `GET`, `2.05`; `0.00` is Empty. */
  readonly code: string;
  readonly messageId: string;
  readonly token: string;
  /** `Block2:0/M/64`, `ETag:0x0a0b` */
  readonly options: readonly string[];
  readonly payload: string;
}

export interface CoapClientRun {
  readonly messages: readonly LoggedMessage[];
  readonly received: readonly LoggedMessage[];
  readonly last: LoggedMessage;
  /** What the responses carried, joined where it came in blocks. */
  readonly body: string;
}

/** Runs it once. At log level 7 it prints each message after the line that says `sent` or `received`. */
export async function coapClient(uri: string, ...args: readonly string[]): Promise<CoapClientRun> {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-plugtest-'));
  const bodyFile = join(folder, 'body');
  try {
    const options = ['-v', '7', '-B', '10', '-o', bodyFile, ...args, uri];
    const { stdout, stderr } = await promisify(execFile)(program, options, { timeout: 20_000 });
    const messages = readLog(stdout + stderr);
    const received = messages.filter(({ direction }) => direction === 'received');
    const last = received.at(-1);
    if (last === undefined) throw new Error(`${program} received nothing:\n${stdout}${stderr}`);
    return { messages, received, last, body: readBody(bodyFile) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** It makes no file where no payload came. */
function readBody(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export function readLog(log: string): LoggedMessage[] {
  const lines = log.split('\n');
  return lines.flatMap((line, index) => {
    const direction = / (sent|received) \d+ bytes$/.exec(lines[index - 1] ?? '')?.[1];
    const message = /^v:1 t:(\w+) c:([\w.]+) i:([0-9a-f]{4}) \{([0-9a-f]*)\} \[ (.*?) ?\](?: :: (.*))?$/.exec(line);
    if (message === null || (direction !== 'sent' && direction !== 'received')) return [];
    const [, type = '', code = '', messageId = '', token = '', options = '', payload = ''] = message;
    return [
      {
        direction,
        type,
        code,
        messageId,
        token,
        options: options.split(', '),
        payload: payload.replaceAll(/^'|'$/g, ''),
      },
    ];
  });
}

/** The value of a received option, as libcoap prints it. */
export const optionOf = (message: LoggedMessage, name: string): string | undefined =>
  message.options.find((option) => option.startsWith(`${name}:`))?.slice(name.length + 1);
