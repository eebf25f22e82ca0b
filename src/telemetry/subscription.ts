/** Listening to several of core's channels, and ceasing to. */
import type { Channel } from 'node:diagnostics_channel';
import type { Channels } from '../core/channels.ts';

export interface Subscription {
  close(): void;
}

type ChannelTable = { readonly [K in keyof Channels]: Channel<unknown, Channels[K]> };
type Listeners = { readonly [K in keyof Channels]?: (event: Channels[K]) => void };

function listen<K extends keyof Channels>(table: ChannelTable, name: K, listener: Listeners[K]): () => void {
  if (listener === undefined) return () => {};
  const channel = table[name];
  const onMessage = (event: unknown): void => {
    // The channel carries what its entry in the table says: this is the one place that relies on it.
    listener(event as Channels[K]);
  };
  channel.subscribe(onMessage);
  return () => {
    channel.unsubscribe(onMessage);
  };
}

export function subscribe(table: ChannelTable, listeners: Listeners): Subscription {
  const stops = [
    listen(table, 'request', listeners.request),
    listen(table, 'functionFailed', listeners.functionFailed),
    listen(table, 'ongoing', listeners.ongoing),
    listen(table, 'library', listeners.library),
    listen(table, 'libraryPrinted', listeners.libraryPrinted),
    listen(table, 'transport', listeners.transport),
    listen(table, 'association', listeners.association),
    listen(table, 'message', listeners.message),
  ];
  return {
    close() {
      for (const stop of stops) stop();
    },
  };
}
