/** Method and response codes (RFC 7252 §12.1, RFC 7959, RFC 8132, RFC 8516, RFC 9175). */

export const emptyCode = 0;

export const method = {
  GET: 1,
  POST: 2,
  PUT: 3,
  DELETE: 4,
  FETCH: 5,
  PATCH: 6,
  iPATCH: 7,
} as const;
export type Method = (typeof method)[keyof typeof method];

export const responseCode = {
  created: 0x41, // 2.01
  deleted: 0x42, // 2.02
  valid: 0x43, // 2.03
  changed: 0x44, // 2.04
  content: 0x45, // 2.05
  continue: 0x5f, // 2.31
  badRequest: 0x80, // 4.00
  unauthorized: 0x81, // 4.01
  badOption: 0x82, // 4.02
  forbidden: 0x83, // 4.03
  notFound: 0x84, // 4.04
  methodNotAllowed: 0x85, // 4.05
  notAcceptable: 0x86, // 4.06
  requestEntityIncomplete: 0x88, // 4.08
  conflict: 0x89, // 4.09
  preconditionFailed: 0x8c, // 4.12
  requestEntityTooLarge: 0x8d, // 4.13
  unsupportedContentFormat: 0x8f, // 4.15
  unprocessableEntity: 0x96, // 4.22
  tooManyRequests: 0x9d, // 4.29
  internalServerError: 0xa0, // 5.00
  notImplemented: 0xa1, // 5.01
  badGateway: 0xa2, // 5.02
  serviceUnavailable: 0xa3, // 5.03
  gatewayTimeout: 0xa4, // 5.04
  proxyingNotSupported: 0xa5, // 5.05
  hopLimitReached: 0xa8, // 5.08
} as const;
export type ResponseCode = (typeof responseCode)[keyof typeof responseCode];

/** 0 request, 2 success, 4 client error, 5 server error; 1, 3, 6 and 7 are reserved or signalling. */
export const codeClass = (value: number): number => value >> 5;

export const isRequestCode = (value: number): boolean => value !== 0 && codeClass(value) === 0;

export const isResponseCode = (value: number): boolean => {
  const cls = codeClass(value);
  return cls === 2 || cls === 4 || cls === 5;
};

/** POST, PUT, DELETE, PATCH and iPATCH may change something; GET and FETCH are safe (RFC 7252 §5.1, RFC 8132 §2). */
export const isSafeMethod = (value: number): boolean => value === method.GET || value === method.FETCH;

/** `2.05`, as the RFCs write it. */
export const dotted = (value: number): string => dottedCodes[value & 0xff] ?? '';

/** Made once: each request that is logged or counted asks for one. */
const dottedCodes: readonly string[] = Array.from(
  { length: 0x100 },
  (_, value) => `${value >> 5}.${String(value & 0x1f).padStart(2, '0')}`,
);

/** Names as the RFCs' registries have them; methods in their own spelling. */
const codeNames: ReadonlyMap<number, string> = new Map([
  [emptyCode, 'Empty'],
  ...Object.entries(method).map(([name, value]): [number, string] => [value, name]),
  [responseCode.created, 'Created'],
  [responseCode.deleted, 'Deleted'],
  [responseCode.valid, 'Valid'],
  [responseCode.changed, 'Changed'],
  [responseCode.content, 'Content'],
  [responseCode.continue, 'Continue'],
  [responseCode.badRequest, 'Bad Request'],
  [responseCode.unauthorized, 'Unauthorized'],
  [responseCode.badOption, 'Bad Option'],
  [responseCode.forbidden, 'Forbidden'],
  [responseCode.notFound, 'Not Found'],
  [responseCode.methodNotAllowed, 'Method Not Allowed'],
  [responseCode.notAcceptable, 'Not Acceptable'],
  [responseCode.requestEntityIncomplete, 'Request Entity Incomplete'],
  [responseCode.conflict, 'Conflict'],
  [responseCode.preconditionFailed, 'Precondition Failed'],
  [responseCode.requestEntityTooLarge, 'Request Entity Too Large'],
  [responseCode.unsupportedContentFormat, 'Unsupported Content-Format'],
  [responseCode.unprocessableEntity, 'Unprocessable Entity'],
  [responseCode.tooManyRequests, 'Too Many Requests'],
  [responseCode.internalServerError, 'Internal Server Error'],
  [responseCode.notImplemented, 'Not Implemented'],
  [responseCode.badGateway, 'Bad Gateway'],
  [responseCode.serviceUnavailable, 'Service Unavailable'],
  [responseCode.gatewayTimeout, 'Gateway Timeout'],
  [responseCode.proxyingNotSupported, 'Proxying Not Supported'],
  [responseCode.hopLimitReached, 'Hop Limit Reached'],
]);

/** `FETCH`, `Not Found`; undefined for a code that is not registered. */
export const codeName = (value: number): string | undefined => codeNames.get(value);
