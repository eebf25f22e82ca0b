/** What the gateway and its body thread say to each other. */
import type { CallErrorDetails, ProblemName } from '../functions/call-error.ts';
import type { FunctionDescription } from '../functions/description.ts';

/** What the thread is started with. */
export interface BodyThreadStart {
  /** See RegistryOptions. */
  readonly priorityAddon: string | undefined;
}

export interface BodyToRead {
  readonly id: number;
  readonly fn: FunctionDescription;
  readonly format: number;
  readonly body: Uint8Array;
}

export type BodyRead = { readonly id: number } & (
  | {
      /** The arguments' part of the cache's key; undefined where they have none, or need none. */
      readonly part: string | undefined;
      /** Of `PackedArguments`. */
      readonly args: Uint8Array;
    }
  | { readonly problem: ProblemName; readonly message: string; readonly details: CallErrorDetails }
);
