/** Identities to enroll in tests. */
import { utf8 } from '../../src/core/bytes.ts';
import { timeOfDay, type TimeOfDay } from '../../src/core/time-of-day.ts';
import type { NewCredential, NewIdentity } from '../../src/devices/identity.ts';

export const at = (n: number): TimeOfDay => timeOfDay(n);

export const psk = (shown: string, key: string = `key of ${shown}`): NewCredential => ({
  kind: 'psk',
  shown: utf8(shown),
  key: utf8(key),
  serial: undefined,
});

export const x509 = (fingerprint: Uint8Array, serial: string = '0a'): NewCredential => ({
  kind: 'x509',
  shown: fingerprint,
  key: undefined,
  serial,
});

export const newIdentity = (name: string, more: Partial<NewIdentity> = {}): NewIdentity => ({
  name,
  groups: [],
  created: at(1000),
  expires: undefined,
  allowLegacyMasterSecret: false,
  credential: psk(name),
  ...more,
});
