/** What the CoAP engine is told of peers: the link profile of each, as its access rules change it, and how its own words are sealed. */
import { createHmac } from 'node:crypto';
import type { EngineLimits, EngineOptions } from '../coap/engine.ts';
import { deriveParameters, type TransmissionOptions, type TransmissionParameters } from '../coap/parameters.ts';
import { systemRandomness } from '../transport/randomness.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import type { AccessRules } from './access-rules.ts';
import { refusalPayload } from './problem-response.ts';

export interface EngineSettings {
  readonly limits: EngineLimits;
  /** The link profile for a peer's address. */
  readonly transmissionFor: (address: string) => TransmissionOptions;
}

export function engineOptions({ limits, transmissionFor }: EngineSettings, access: AccessRules): EngineOptions {
  // New with each process: values made by an earlier one are not fresh any more, and are simply not accepted.
  const key = systemRandomness.bytes(32);
  const derived = new Map<TransmissionOptions, TransmissionParameters>();
  return {
    limits,
    parametersFor: ({ remote, principal }) => {
      const profile = access.of(principal).transmission(transmissionFor(remote.address));
      const parameters = derived.get(profile) ?? deriveParameters(profile);
      derived.set(profile, parameters);
      return parameters;
    },
    random: systemRandomness,
    refusalPayload,
    seal: (input) => new Uint8Array(createHmac('sha256', key).update(input).digest()),
    now: systemScheduler.now(),
  };
}
