/** How long a test waits for what comes by itself (`vi.waitFor`, `expect.poll`): no test is about how busy the machine is. */
export const patience = { timeout: 20_000 };
