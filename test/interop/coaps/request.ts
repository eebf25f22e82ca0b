/** A CoAP request as bytes, for programs that carry bytes over DTLS and know no CoAP. */
import { encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { method } from '../../../src/coap/codec/codes.ts';
import { optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';

let messageId = 0;

/** GET /func/who/am, in text. */
export const whoAmI = (): Uint8Array =>
  encodeMessage({
    type: messageType.CON,
    code: method.GET,
    messageId: ++messageId,
    token: new Uint8Array(0),
    options: [
      ...['func', 'who', 'am'].map((segment) => stringOption(optionNumber.uriPath, segment)),
      uintOption(optionNumber.accept, 0),
    ],
    payload: new Uint8Array(0),
  });
