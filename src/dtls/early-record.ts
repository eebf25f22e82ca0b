/**
 * Records of epoch 1 that have overtaken the messages whose keys they need: RFC 6347 §4.1 lets them be kept or dropped, and to
 * drop a Finished costs its sender a timeout. A few are kept, until the keys are there.
 */
import type { Endpoint } from '../core/datagram.ts';
import type { Association, EarlyRecord } from './association.ts';
import type { RecordView } from './record.ts';

/** A Finished, and what comes right after it. No RFC's numbers. */
const maxEarlyRecords = 3;
const maxEarlyBytes = 512;

/** False where the record is not early, or there are too many. */
export function keepEarly(association: Association, record: RecordView, peer: Endpoint): boolean {
  const { state, layer, early } = association;
  const isEarly = state === 'handshaking' && record.epoch === 1 && !layer.readsProtected;
  if (!isEarly || early.length >= maxEarlyRecords || record.fragment.length > maxEarlyBytes) return false;
  early.push(owned(record, peer));
  return true;
}

/** The datagram's bytes are the transport's. */
const owned = (record: RecordView, peer: Endpoint): EarlyRecord => ({
  record: { ...record, cid: new Uint8Array(record.cid), fragment: new Uint8Array(record.fragment) },
  peer,
});
