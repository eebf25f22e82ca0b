/** For what comes by itself, on however busy a machine: what does not come fails the test all the same. */
export const patiently = { timeout: 20_000 };
