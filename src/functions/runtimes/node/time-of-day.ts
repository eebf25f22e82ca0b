/** Milliseconds since the epoch: the time that threads share, and that authors compare with Date.now(). */
export const timeOfDay = (): number => Date.now();
