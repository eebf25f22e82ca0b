/**
 * The time of day, for what outlasts a process: when an identity expires, when a certificate is valid.
 * Protocol timing never uses it: clocks of machines are set back and forth (duration.ts).
 */
import type { Milliseconds } from './duration.ts';

/** Milliseconds since 1970. */
export type TimeOfDay = number & { readonly unit: 'ms since 1970' };

export const timeOfDay = (n: number): TimeOfDay => n as TimeOfDay;

export const later = (from: TimeOfDay, span: Milliseconds): TimeOfDay => timeOfDay(from + span);
