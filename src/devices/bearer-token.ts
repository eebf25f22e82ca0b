/**
 * Bearer tokens of identities: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 (RFC 7518 §3.2).
 *
 *     { sub: name of the identity, cid: id of its credential, iat, exp }        in seconds since 1970
 *
 * A token lives no longer than the credential that it was made for: revoking the identity, rotating its keys or its expiry
 * end it. Who makes tokens also reads them, so there is one algorithm and one header, and any other is refused unread.
 * Left out: audiences, tokens of other issuers.
 */
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { timeOfDay, type TimeOfDay } from '../core/time-of-day.ts';

export interface BearerToken {
  /** The identity's name, for people; the credential counts. */
  readonly name: string;
  readonly credentialId: string;
  readonly issued: TimeOfDay;
  readonly expires: TimeOfDay;
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const header = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }));
const longestToken = 1024;

const signatureOf = (key: KeyObject, signed: string): Buffer => createHmac('sha256', key).update(signed).digest();
const secondsOf = (time: TimeOfDay): number => Math.floor(time / 1000);

export function mintToken(key: KeyObject, { name, credentialId, issued, expires }: BearerToken): string {
  const claims = { sub: name, cid: credentialId, iat: secondsOf(issued), exp: secondsOf(expires) };
  const signed = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${signatureOf(key, signed).toString('base64url')}`;
}

/** Undefined where it is not signed with this key. Whether it is over, and what became of its credential, is for the caller to see. */
export function readToken(key: KeyObject, token: string): BearerToken | undefined {
  const [first, second = '', third = '', ...rest] = token.length > longestToken ? [] : token.split('.');
  if (first !== header || rest.length > 0) return undefined;
  const wanted = signatureOf(key, `${first}.${second}`);
  const given = Buffer.from(third, 'base64url');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  // Our own words from here on.
  const claims = JSON.parse(Buffer.from(second, 'base64url').toString()) as Record<'sub' | 'cid', string> &
    Record<'iat' | 'exp', number>;
  const { sub: name, cid: credentialId, iat, exp } = claims;
  return { name, credentialId, issued: timeOfDay(iat * 1000), expires: timeOfDay(exp * 1000) };
}
