/** Loads configurations from files in a temporary folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { loadConfig, type LoadOptions, type LoadedConfig } from '../../src/config/loader.ts';

/** Runs `use` in an empty working folder that is gone afterwards. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-config-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Given extends Partial<LoadOptions> {
  /** The text or the document of funcoap.config.json. */
  readonly content?: unknown;
}

export function load({ content, ...options }: Given = {}): LoadedConfig {
  return inFolder((workingFolder) => {
    if (content !== undefined) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      writeFileSync(join(workingFolder, 'funcoap.config.json'), text);
    }
    return loadConfig({ workingFolder, environment: {}, flags: [], file: undefined, ...options });
  });
}

export const parsedConfig = (content: unknown): Config => load({ content }).config;
