/**
 * Messages that are nearly right: real paths, real options, arguments that fit, and now and then one thing that does not.
 * What the gateway sent is answered too: acknowledged, reset, its Echo returned, its blocks and ETags asked for.
 */
import { method, type Method } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import {
  findOption,
  opaqueOption,
  optionDefinitions,
  optionNumber,
  sortOptions,
  stringOption,
  uintOption,
  type Option,
} from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { emptyBytes } from '../../src/core/bytes.ts';
import { hostileBodies, hostileItems, hostilePaths } from './hostile.ts';
import type { Chance } from './chance.ts';

interface Target {
  readonly path: readonly string[];
  readonly methods: readonly [Method, ...Method[]];
  /** Bodies that are its arguments, in CBOR; none for what takes none. */
  readonly bodies: readonly Uint8Array[];
  /** Query items that are its arguments. */
  readonly items: readonly string[];
}

const safe: Target['methods'] = [method.GET, method.FETCH, method.POST];
const get: Target['methods'] = [method.GET];
const pair = Uint8Array.of(0x82, 0x01, 0x02); // [1, 2]
const named = Uint8Array.of(0xa2, 0x61, 0x61, 0x0a, 0x61, 0x62, 0x14); // {a: 10, b: 20}
const numbered = Uint8Array.of(0xa2, 0x00, 0x0a, 0x01, 0x14); // {0: 10, 1: 20}
const word = Uint8Array.of(0x63, 0x61, 0x62, 0x63); // "abc"
const big = Uint8Array.of(0x81, 0x19, 0x0b, 0xb8); // [3000]

const targets: readonly [Target, ...Target[]] = [
  { path: ['func', 'fuzz', 'add'], methods: safe, bodies: [pair, named, numbered], items: ['a=1', 'b=2'] },
  { path: ['f', '0', '0'], methods: safe, bodies: [pair, named, numbered], items: ['a=1', 'b=2'] },
  { path: ['func', 'fuzz', 'store'], methods: [method.POST], bodies: [word], items: ['value=x'] },
  { path: ['func', 'fuzz', 'echo'], methods: safe, bodies: [word, pair, named], items: ['value=x'] },
  { path: ['func', 'fuzz', 'long'], methods: safe, bodies: [big], items: ['length=500'] },
  { path: ['func', 'fuzz', 'later'], methods: safe, bodies: [word], items: ['value=x'] },
  { path: ['func', 'fuzz', 'fail'], methods: safe, bodies: [], items: [] },
  { path: ['func', 'fuzz', 'nothing'], methods: safe, bodies: [], items: [] },
  { path: ['func'], methods: get, bodies: [], items: [] },
  { path: ['func', 'fuzz'], methods: get, bodies: [], items: [] },
  { path: ['.well-known', 'core'], methods: get, bodies: [], items: ['rt=func', 'href=/func/*'] },
  { path: ['clock'], methods: get, bodies: [], items: [] },
];

const controlItems = ['_describe', '_describe=schema', '_describe=cddl', '_why'] as const;
const methods: readonly [Method, ...Method[]] = [
  method.GET,
  method.POST,
  method.PUT,
  method.DELETE,
  method.FETCH,
  method.PATCH,
  method.iPATCH,
];
const formats = [60, 50, 0, 42, 40, 63, 257, 65535] as const;
const optionNumbers: readonly number[] = [...optionDefinitions.keys(), 2, 9, 13, 21, 31, 65000, 65535];

export class Generator {
  readonly #chance: Chance;
  /** Message IDs and tokens come from a small stock, so that they meet again. */
  #heard: Uint8Array[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The gateway sent this. */
  hear(bytes: Uint8Array): void {
    this.#heard.push(bytes);
    if (this.#heard.length > 32) this.#heard.shift();
  }

  message(): Uint8Array {
    return this.#heard.length > 0 && this.#chance.oneIn(4) ? this.#reply() : this.#request([]);
  }

  /** A call that fits, but for what chance adds to it. */
  #request(more: readonly Option[]): Uint8Array {
    const chance = this.#chance;
    const { path, methods: fitting, bodies, items } = chance.pick(targets);
    const code = chance.oneIn(20) ? chance.pick(methods) : chance.pick(fitting);
    const options: Option[] = [...more, ...this.#uri(path)];
    let payload = code === method.GET ? emptyBytes : (chance.pick(bodies) ?? emptyBytes);
    if (payload.length === 0) {
      for (const item of items) if (!chance.oneIn(4)) options.push(stringOption(optionNumber.uriQuery, item));
    }
    if (chance.oneIn(10)) payload = this.#oddPayload();
    if (chance.oneIn(12)) options.push(...this.#block1(payload));
    if (chance.oneIn(6)) options.push(uintOption(optionNumber.accept, chance.pick(formats)));
    if (chance.oneIn(10)) options.push(uintOption(optionNumber.contentFormat, chance.pick(formats)));
    if (chance.oneIn(6)) options.push(uintOption(optionNumber.observe, chance.below(3)));
    if (chance.oneIn(5)) options.push(opaqueOption(optionNumber.block2, this.#block()));
    if (chance.oneIn(12)) options.push(uintOption(optionNumber.noResponse, chance.below(32)));
    while (chance.oneIn(10)) options.push(this.#anyOption());
    const type = chance.oneIn(3) ? messageType.NON : messageType.CON;
    return this.#encode(type, chance.oneIn(40) ? chance.below(256) : code, options, payload);
  }

  #uri(path: readonly string[]): Option[] {
    const chance = this.#chance;
    const segments = chance.oneIn(15) ? (chance.pick(hostilePaths) ?? []) : path;
    const options = segments.map((segment) => stringOption(optionNumber.uriPath, segment));
    if (chance.oneIn(8)) options.push(stringOption(optionNumber.uriQuery, chance.pick(controlItems)));
    if (chance.oneIn(15))
      options.push(stringOption(optionNumber.uriQuery, (chance.pick(hostileItems) ?? '').slice(0, 255)));
    return options;
  }

  /** The first block of a long body, or some block of it: the sizes of blocks and payload agree half of the time. */
  #block1(payload: Uint8Array): Option[] {
    const chance = this.#chance;
    const num = chance.below(3);
    const more = payload.length === 16 || payload.length === 32;
    const szx = payload.length === 32 ? 1 : 0;
    const value = chance.oneIn(4) ? this.#block() : Uint8Array.of((num << 4) | (more ? 8 : 0) | szx);
    const options = [opaqueOption(optionNumber.block1, value)];
    if (chance.oneIn(3)) options.push(opaqueOption(optionNumber.requestTag, Uint8Array.of(chance.below(3))));
    return options;
  }

  /** Mostly the numbers 0 to 3 and the sizes 16 to 64. */
  #block(): Uint8Array {
    const chance = this.#chance;
    if (chance.oneIn(8)) return chance.bytes(chance.below(5));
    return Uint8Array.of((chance.below(4) << 4) | (chance.below(2) << 3) | chance.below(3));
  }

  #anyOption(): Option {
    const chance = this.#chance;
    const number = chance.pick(optionNumbers) ?? 0;
    const longest = optionDefinitions.get(number)?.maxLength ?? 8;
    const length = chance.pick([0, 1, 2, 3, 4, 8, longest, longest + 1] as const);
    return opaqueOption(number, chance.bytes(Math.min(length, 300)));
  }

  #oddPayload(): Uint8Array {
    const chance = this.#chance;
    switch (chance.below(4)) {
      case 0:
        return emptyBytes;
      case 1:
        return (chance.pick(hostileBodies)?.bytes ?? emptyBytes).slice(0, 1024);
      case 2:
        return chance.bytes(chance.below(64));
      default:
        return chance.bytes(16 << chance.below(2));
    }
  }

  #reply(): Uint8Array {
    const chance = this.#chance;
    const heard = decodeMessage(chance.pick(this.#heard) ?? emptyBytes);
    if (isMalformed(heard)) return emptyBytes;
    const empty = { code: 0, messageId: heard.messageId, token: emptyBytes, options: [], payload: emptyBytes };
    switch (chance.below(5)) {
      case 0:
        return encodeMessage({ ...empty, type: messageType.ACK });
      case 1:
        return encodeMessage({ ...empty, type: messageType.RST });
      case 2:
        return encodeMessage({ ...heard, type: chance.oneIn(2) ? messageType.CON : messageType.ACK });
      default: {
        const echo = findOption(heard.options, optionNumber.echo);
        const etag = findOption(heard.options, optionNumber.etag);
        const more = [echo && opaqueOption(optionNumber.echo, echo), etag && opaqueOption(optionNumber.etag, etag)];
        return this.#request(more.filter((option) => option !== undefined));
      }
    }
  }

  #encode(type: 0 | 1, code: number, options: readonly Option[], payload: Uint8Array): Uint8Array {
    const chance = this.#chance;
    const messageId = chance.oneIn(2) ? chance.below(64) : chance.below(0x10000);
    const token = chance.oneIn(50) ? chance.bytes(chance.below(90)) : Uint8Array.of(chance.below(32));
    if (code === 0)
      return encodeMessage({ type, code, messageId, token: emptyBytes, options: [], payload: emptyBytes });
    return encodeMessage({ type, code, messageId, token, options: sortOptions(options), payload });
  }
}
