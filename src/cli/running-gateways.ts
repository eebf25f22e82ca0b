/**
 * Waits until what a command has changed counts in the gateways that run on the same data folder: a script may use a key, or rely
 * on its end, in its next line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { seconds } from '../core/duration.ts';
import type { IdentityStore } from '../devices/identity-store.ts';
import { readReaders } from '../store/reader-files.ts';
import { formatAddress, isWildcard, normaliseAddress } from '../transport/address.ts';
import { configOf } from './config-flags.ts';
import type { DataOptions } from './command-data.ts';
import type { Terminal } from './terminal.ts';

/** A gateway looks every 100 ms. One that has not seen it then hangs, or is stopped; it sees it when it goes on. */
const patience = seconds(3);
const pingPatience = seconds(1);
const lookEveryMs = 10;

/** Says on the error output which process has not taken it up. */
export async function takenUp(store: IdentityStore, options: DataOptions, terminal: Terminal): Promise<void> {
  const { config } = await configOf({ ...options }, terminal);
  const { folder } = config.data;
  const { revision } = await store.changes(Number.MAX_SAFE_INTEGER);
  const isBehind = (): readonly number[] =>
    readReaders(folder).flatMap((reader) => (reader.revision < revision ? [reader.processId] : []));
  // One that has begun when nobody was enrolled is about to open coaps, and has not said yet that it is there.
  const isExpected = readReaders(folder).length === 0 && (await gatewayAnswers(config));
  const until = performance.now() + patience;
  const isDone = (): boolean => isBehind().length === 0 && (!isExpected || readReaders(folder).length > 0);
  while (!isDone() && performance.now() < until) await sleep(lookEveryMs);
  if (isDone()) return;
  const which = isBehind().map((processId) => `process ${processId}`);
  terminal.err(
    `It is stored, but the gateway that runs${which.length === 0 ? '' : ` (${which.join(', ')})`} has not taken it up yet; its log may say why.\n`,
  );
}

async function gatewayAnswers({ coap }: Config): Promise<boolean> {
  const [first] = coap.listen;
  if (first === undefined || coap.port === 0) return false;
  const address = isWildcard(normaliseAddress(first)) ? 'localhost' : first;
  const { openCoapClient } = await import('../client/coap-client.ts');
  const client = await openCoapClient();
  try {
    await client.ping(`coap://${formatAddress({ address, port: coap.port })}`, { timeout: pingPatience });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
