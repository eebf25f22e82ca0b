/** `funcoap serve` of an installed package, and one CoAP request to it over a plain socket. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

const startLimitMs = 30_000;

/** Starts the gateway on a free port, without any configuration but the port; gives the port. */
export async function serve(node: string, program: string, cwd: string): Promise<number> {
  const gateway = spawn(node, [program, 'serve', '--port', '0'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(async () => {
    if (gateway.exitCode !== null || gateway.signalCode !== null) return;
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await ended;
  });
  let said = '';
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error(`the gateway named no port within ${startLimitMs} ms; it said:\n${said}`));
    }, startLimitMs);
    const hear = (text: string): void => {
      said += text;
      const port = /coap:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(late);
      resolve(Number(port));
    };
    gateway.stdout.setEncoding('utf8').on('data', hear);
    gateway.stderr.setEncoding('utf8').on('data', hear);
    gateway.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the gateway ended with ${String(code)}; it said:\n${said}`));
    });
  });
}

/** Sends one datagram and gives the first that comes back. */
export async function exchange(request: Uint8Array, port: number): Promise<Uint8Array> {
  const socket = createSocket('udp4');
  try {
    socket.send(request, port, '127.0.0.1');
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Uint8Array];
    return reply;
  } finally {
    socket.close();
  }
}

/** FETCH coap://127.0.0.1/func/math/add with the arguments {"a": 10, "b": 20}. */
export const addRequest: Uint8Array = Uint8Array.of(
  ...[0x44, 0x05, 0x12, 0x34], // version 1, CON, token of 4 bytes; 0.05 FETCH; Message ID 0x1234
  ...[0xf1, 0xf2, 0xf3, 0xf4], // token
  ...[0xb4, 0x66, 0x75, 0x6e, 0x63], // Uri-Path (11): "func"
  ...[0x04, 0x6d, 0x61, 0x74, 0x68], // Uri-Path: "math"
  ...[0x03, 0x61, 0x64, 0x64], // Uri-Path: "add"
  ...[0x11, 0x3c], // Content-Format (12): 60
  ...[0x51, 0x3c], // Accept (17): 60
  0xff, // payload marker
  ...[0xa2, 0x61, 0x61, 0x0a, 0x61, 0x62, 0x14], // {"a": 10, "b": 20}
);

/** How the reply begins: ACK with the answer, 2.05 Content, the same Message ID and token. */
export const addReplyHead: Uint8Array = Uint8Array.of(0x64, 0x45, 0x12, 0x34, 0xf1, 0xf2, 0xf3, 0xf4);

/** How it ends: payload marker and 30. */
export const addReplyTail: Uint8Array = Uint8Array.of(0xff, 0x18, 0x1e);
