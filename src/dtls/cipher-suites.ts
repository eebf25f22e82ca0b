/**
 * The cipher suites that are spoken here, as data. All use AES-128 and the PRF with SHA-256.
 *
 * Left out: AES-256 and SHA-384 (devices have no use for them), RSA and finite-field Diffie-Hellman, and everything without
 * authenticated encryption: the one CBC suite is taken with encrypt-then-MAC only (RFC 7366).
 */

export type KeyExchange = 'psk' | 'ecdhe_psk' | 'ecdhe_ecdsa';

export type Cipher =
  | { readonly kind: 'ccm'; readonly tagLength: 8 | 16 }
  | { readonly kind: 'gcm' }
  | { readonly kind: 'cbc' };

export interface CipherSuite {
  readonly id: number;
  readonly name: string;
  readonly keyExchange: KeyExchange;
  readonly cipher: Cipher;
}

const ccm8: Cipher = { kind: 'ccm', tagLength: 8 };
const ccm: Cipher = { kind: 'ccm', tagLength: 16 };
const gcm: Cipher = { kind: 'gcm' };

/** In the order in which a server prefers them: forward secrecy first, then short records. */
export const cipherSuites: readonly CipherSuite[] = [
  // RFC 7251 §2
  { id: 0xc0ae, name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', keyExchange: 'ecdhe_ecdsa', cipher: ccm8 },
  // RFC 8422 §6, RFC 5289
  { id: 0xc02b, name: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', keyExchange: 'ecdhe_ecdsa', cipher: gcm },
  // RFC 8442 §2
  { id: 0xd003, name: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', keyExchange: 'ecdhe_psk', cipher: ccm8 },
  { id: 0xd005, name: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256', keyExchange: 'ecdhe_psk', cipher: ccm },
  { id: 0xd001, name: 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', keyExchange: 'ecdhe_psk', cipher: gcm },
  // RFC 6655 §4
  { id: 0xc0a8, name: 'TLS_PSK_WITH_AES_128_CCM_8', keyExchange: 'psk', cipher: ccm8 },
  { id: 0xc0a4, name: 'TLS_PSK_WITH_AES_128_CCM', keyExchange: 'psk', cipher: ccm },
  // RFC 5487 §2
  { id: 0x00a8, name: 'TLS_PSK_WITH_AES_128_GCM_SHA256', keyExchange: 'psk', cipher: gcm },
  // RFC 5489 §3
  { id: 0xc037, name: 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256', keyExchange: 'ecdhe_psk', cipher: { kind: 'cbc' } },
];

/** All but CBC, which is taken only where it is asked for. */
export const defaultCipherSuites: readonly CipherSuite[] = cipherSuites.filter(({ cipher }) => cipher.kind !== 'cbc');

export const cipherSuiteOf = (id: number): CipherSuite | undefined => cipherSuites.find((suite) => suite.id === id);

/** Not suites but signals in their list. */
export const renegotiationInfoScsv = 0x00ff; // RFC 5746 §3.3

/** How much of the key block (RFC 5246 §6.3) one direction takes, besides 16 bytes of key. */
export const keyBytes = 16;
export const macKeyBytes = ({ kind }: Cipher): number => (kind === 'cbc' ? 32 : 0);
/** The salt of the nonce (RFC 5288 §3, RFC 6655 §3); CBC records carry their whole IV. */
export const fixedIvBytes = ({ kind }: Cipher): number => (kind === 'cbc' ? 0 : 4);
