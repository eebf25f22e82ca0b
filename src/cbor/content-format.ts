/** Content-Formats (RFC 7252 §12.3 and its registry) that funcoap reads or writes. */

export const contentFormat = {
  /** text/plain; charset=utf-8 */
  text: 0,
  /** application/link-format, RFC 6690 */
  linkFormat: 40,
  /** application/octet-stream */
  octetStream: 42,
  /** application/json */
  json: 50,
  /** application/cbor, RFC 8949 */
  cbor: 60,
  /** application/cbor-seq, RFC 8742 */
  cborSequence: 63,
  /** application/concise-problem-details+cbor, RFC 9290 */
  problemDetails: 257,
} as const;

/** The formats that one value can be read from and written in. */
export type ValueFormat =
  | typeof contentFormat.text
  | typeof contentFormat.octetStream
  | typeof contentFormat.json
  | typeof contentFormat.cbor;

export function isValueFormat(format: number): format is ValueFormat {
  return (
    format === contentFormat.cbor ||
    format === contentFormat.json ||
    format === contentFormat.text ||
    format === contentFormat.octetStream
  );
}
