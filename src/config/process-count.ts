/** How many gateway processes a setting of `processes` means on this machine. */
import { availableParallelism } from 'node:os';
import type { Config } from './config.ts';

/** Only Linux both lets processes share a UDP port and divides the peers among them. */
export const canSharePort = (platform: NodeJS.Platform = process.platform): boolean => platform === 'linux';

export const processCount = (processes: Config['processes']): number =>
  processes === 'auto' ? (canSharePort() ? availableParallelism() : 1) : processes;
