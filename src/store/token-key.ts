/**
 * The key that bearer tokens are signed with: derived from the key file (RFC 5869), so that it is on no disk, and all
 * gateways and command lines of a data folder have the same.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { readKeyFile } from './key-file.ts';

const keyBytes = 32;

/** @throws UsageError 'key-file', 'insecure-file' */
export function tokenKey(dataFolder: string): KeyObject {
  const secret = readKeyFile(join(dataFolder, 'store.key'));
  const key = hkdfSync('sha256', secret, new Uint8Array(0), 'funcoap bearer tokens', keyBytes);
  return createSecretKey(new Uint8Array(key));
}
