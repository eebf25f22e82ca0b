/** What is told to whoever asks something of a gateway that is being stopped. */
import { CallError } from '../functions/call-error.ts';

export const stopping = (): CallError => new CallError('not-ready', 'The gateway is being stopped; come back later.');
