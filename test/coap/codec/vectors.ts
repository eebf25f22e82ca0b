/** The corpus of messages in test/vectors/coap, and their plain form for comparing. */
import { readFileSync } from 'node:fs';
import { hex } from '../../../src/core/bytes.ts';
import type { Message, MessageType } from '../../../src/coap/codec/message.ts';

/** A message with every byte string in hexadecimal. */
export interface PlainMessage {
  readonly type: MessageType;
  readonly code: number;
  readonly messageId: number;
  readonly token: string;
  readonly options: readonly (readonly [number: number, value: string])[];
  readonly payload: string;
}

export interface MessageVector {
  readonly name: string;
  readonly hex: string;
  readonly message: PlainMessage;
}

export interface MalformedVector {
  readonly name: string;
  readonly hex: string;
  readonly header: readonly [type: number, messageId: number] | null;
  /** What people are told. */
  readonly says: string;
}

export const messageVectors: readonly MessageVector[] = ['format', 'captured'].flatMap(
  (name) => readVectors(name) as MessageVector[],
);

export const malformedVectors: readonly MalformedVector[] = readVectors('malformed') as MalformedVector[];

function readVectors(name: string): unknown[] {
  const file = new URL(`../../vectors/coap/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: unknown[] }).cases;
}

export const plain = (message: Message): PlainMessage => ({
  type: message.type,
  code: message.code,
  messageId: message.messageId,
  token: hex(message.token),
  options: message.options.map(({ number, value }) => [number, hex(value)] as const),
  payload: hex(message.payload),
});

export const fromPlain = (message: PlainMessage): Message => ({
  ...message,
  token: fromHex(message.token),
  options: message.options.map(([number, value]) => ({ number, value: fromHex(value) })),
  payload: fromHex(message.payload),
});

/** The bytes of hexadecimal text; white space, and what follows a semicolon, is for the reader. */
export const fromHex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(/;.*$|\s/gmu, ''), 'hex'));
