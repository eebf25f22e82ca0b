/** Telling IP addresses from host names by their text alone (RFC 3986 §3.2.2, RFC 4291 §2.2). */

/** Four decimal numbers without leading zeros: anything else is a host name to RFC 3986. */
export const isIpv4 = (text: string): boolean =>
  /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/u.test(text);

/** An IPv6 address without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [position, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && position === parts.length - 1;
      if (/^[0-9a-f]{1,4}$/iu.test(part)) groups += 1;
      else if (isLast && isIpv4(part)) groups += 2;
      else return false;
    }
  }
  // "::" stands for at least one group of zeros.
  return halves.length === 2 ? groups < 8 : groups === 8;
}
