/** The native addon for tests, compiled once; why it cannot be tested where it cannot be had. */
import type { UdpAddon } from '../../src/transport/native/addon.ts';
import { findAddon } from '../../src/transport/native/compile.ts';

const found = await findAddon();

export const missingAddon: string | undefined = found.missing;
export const addon: UdpAddon | undefined = found.missing === undefined ? found.addon : undefined;
