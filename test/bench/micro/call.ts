/** The call that the steps are measured with: FETCH /func/bench/add with [10, 20], and its answer. */
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';
import { milliseconds, minutes } from '../../../src/core/duration.ts';
import type { FunctionDescription, ParameterDescription } from '../../../src/functions/description.ts';

const token: Uint8Array = Uint8Array.of(0x11, 0x22, 0x33, 0x44);

export const request: Message = {
  type: messageType.CON,
  code: method.FETCH,
  messageId: 0x1234,
  token,
  options: [
    stringOption(optionNumber.uriPath, 'func'),
    stringOption(optionNumber.uriPath, 'bench'),
    stringOption(optionNumber.uriPath, 'add'),
    uintOption(optionNumber.contentFormat, 60),
  ],
  payload: Uint8Array.of(0x82, 0x0a, 0x14),
};

export const response: Message = {
  type: messageType.ACK,
  code: responseCode.content,
  messageId: 0x1234,
  token,
  options: [
    opaqueOption(optionNumber.etag, Uint8Array.of(0xcd, 0x99, 0x47, 0x27)),
    uintOption(optionNumber.contentFormat, 60),
    uintOption(optionNumber.maxAge, 3600),
  ],
  payload: Uint8Array.of(0x18, 0x1e),
};

const parameter = (name: string, id: number): ParameterDescription => ({
  name,
  id,
  type: { kind: 'number' },
  required: true,
  rest: false,
  doc: undefined,
});

export const add: FunctionDescription = {
  library: 'bench',
  method: 'add',
  libraryId: 0,
  id: 0,
  version: '1',
  parameters: [parameter('a', 0), parameter('b', 1)],
  returns: { kind: 'number' },
  title: undefined,
  doc: undefined,
  safe: true,
  pure: true,
  maxAge: minutes(60),
  staleWhileRevalidate: milliseconds(0),
  shared: false,
  inline: false,
  timeLimit: undefined,
  notCallable: undefined,
};
