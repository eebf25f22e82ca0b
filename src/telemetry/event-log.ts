/**
 * Writes what happens to the log. The level says who must act: nobody on a request or a
 * retransmission, the operator on a failed library or socket.
 */
import {
  channels,
  type Channels,
  type LibraryChanged,
  type OngoingChanged,
  type TransportNotice,
} from '../core/channels.ts';
import { renderBytes, renderMessage } from '../coap/codec/render.ts';
import { decodeMessage, isMalformed } from '../coap/codec/rfc7252.ts';
import type { Log } from './log.ts';
import { subscribe, type Subscription } from './subscription.ts';

export interface EventLogOptions {
  /** One line per request. */
  readonly access: boolean;
  /** What several processes see alike, of libraries and sockets, is logged by their supervisor. */
  readonly shared: boolean;
}

const libraryLevel: Readonly<Record<LibraryChanged['state'], 'info' | 'warn' | 'error'>> = {
  loaded: 'info',
  removed: 'info',
  unlocked: 'warn',
  ignored: 'warn',
  failed: 'error',
};

const librarySentence: Readonly<Record<LibraryChanged['state'], string>> = {
  loaded: 'library loaded',
  removed: 'library removed',
  unlocked: 'library served without compact ids for new functions',
  ignored: 'this is no library',
  failed: 'library does not load',
};

const editSentence = (library: string, message: string | undefined): string =>
  `the edit of ${library} does not load: ${message} The version before it serves.`;

const transportLevel: Readonly<Record<TransportNotice['kind'], 'debug' | 'info' | 'warn' | 'error'>> = {
  'send-failed': 'debug',
  'dropped': 'debug',
  'portable-transport': 'info',
  'receive-buffer': 'warn',
  'socket-error': 'error',
};

const ongoingNoun: Readonly<Record<OngoingChanged['kind'], string>> = {
  job: 'a job',
  stream: 'a stream',
  watch: 'the observation of a result',
};

/** A job's answer is in no access log: what came of it is told here. Peers open the others as often as they like. */
const ongoingLevel = (kind: OngoingChanged['kind'], access: boolean): 'info' | 'debug' =>
  kind === 'job' && access ? 'info' : 'debug';

/** A library that prints a megabyte does not make a line of a megabyte. */
const maxPrintedLength = 4096;

export function logLibrary({ logger }: Pick<Log, 'logger'>, { message, state, ...event }: LibraryChanged): void {
  const failed = state === 'failed' && message !== undefined;
  const { library, functions } = event;
  const why = functions === 0 ? `${library} does not load: ${message}` : editSentence(library, message);
  const sentence = failed ? why : (message ?? librarySentence[state]);
  logger[libraryLevel[state]]({ event: 'library', state, ...event }, sentence);
}

export function logTransport({ logger }: Pick<Log, 'logger'>, { kind, message }: TransportNotice): void {
  logger[transportLevel[kind]]({ event: 'transport', kind }, message);
}

export function logEvents(log: Log, options: EventLogOptions): Subscription {
  const { logger } = log;
  const listeners: { readonly [K in keyof Channels]?: (event: Channels[K]) => void } = {
    functionFailed: ({ message, ...event }) => {
      logger.error({ event: 'function-failed', ...event }, message);
    },
    ...(options.shared
      ? {}
      : {
          library: (event: LibraryChanged) => logLibrary(log, event),
          transport: (event: TransportNotice) => logTransport(log, event),
        }),
    ...(logger.isLevelEnabled(ongoingLevel('job', options.access))
      ? {
          ongoing: ({ kind, problem, ...event }: OngoingChanged) => {
            const sentence = `${ongoingNoun[kind]} ${event.state}${problem === undefined ? '' : `: ${problem}`}`;
            const told = { event: kind, ...event, ...(problem === undefined ? {} : { problem }) };
            logger[ongoingLevel(kind, options.access)](told, sentence);
          },
        }
      : {}),
    libraryPrinted: ({ library, stream, text }) => {
      const line = text.length > maxPrintedLength ? `${text.slice(0, maxPrintedLength)}…` : text;
      logger[stream === 'stderr' ? 'warn' : 'info']({ event: 'printed', library, stream }, line.trimEnd());
    },
    // Nobody listens where nobody would read: publishers look whether somebody does.
    ...(options.access && logger.isLevelEnabled('info') ? { request: log.access } : {}),
    ...(logger.isLevelEnabled('debug')
      ? {
          association: ({ reason, ...event }: Channels['association']) => {
            logger.debug({ event: 'association', ...event }, reason);
          },
          message: ({ direction, peer, bytes }: Channels['message']) => {
            const message = decodeMessage(bytes);
            const lines = isMalformed(message) ? renderBytes(bytes) : renderMessage(message);
            logger.debug(
              { event: 'message', direction, peer, bytes: Buffer.from(bytes).toString('hex') },
              lines.map((line) => line.trim()).join('; '),
            );
          },
        }
      : {}),
  };
  return subscribe(channels, listeners);
}
