/**
 * Arithmetic on two numbers. Everything is declared with `fn()`: the gateway refuses calls that do
 * not fit before they get here, and clients can ask what fits.
 */
import { fn, invalidArgument, z } from 'funcoap/library';

const numbers = { a: z.number().describe('The left operand'), b: z.number().describe('The right operand') };

/**
 * 240 seconds, and not 60 or an hour: CoAP's default Max-Age of 60 would not be sent at all, and
 * up to 255 it takes one byte (RFC 7252 §3.2), so that an answer shows the option at its smallest.
 */
const arithmetic = { params: numbers, returns: z.number(), pure: true, maxAge: 240 } as const;

/** The sum of a and b. */
export const add = fn(arithmetic, ({ a, b }) => a + b);

/** b taken from a. */
export const sub = fn(arithmetic, ({ a, b }) => a - b);

/** The product of a and b. */
export const multiply = fn(arithmetic, ({ a, b }) => a * b);

/** a divided by b, with its fraction. */
export const quotient = fn(arithmetic, ({ a, b }) => a / divisor(b));

/** What is left of a after whole divisions by b; it has the sign of a. */
export const remainder = fn(arithmetic, ({ a, b }) => a % divisor(b));

function divisor(b: number): number {
  if (b === 0) throw invalidArgument('b must not be 0: nothing can be divided by it.', 'b');
  return b;
}
