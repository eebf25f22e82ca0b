/** Hands to a person, or a script, what a device needs: printed once, or written to files. */
import { accessSync, chmodSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../core/error.ts';
import { hex, utf8 } from '../core/bytes.ts';
import type { Identity } from '../devices/identity.ts';
import { timeText, timeValue } from './command-data.ts';
import type { DeviceMaterial } from './device-material.ts';
import { deviceSheet, type DeviceFile } from './device-sheet.ts';
import type { Terminal } from './terminal.ts';

export interface HandOutOptions {
  /** How the device reaches the gateway; undefined: by this machine's name. */
  readonly host?: string | undefined;
  /** Files are written there instead of being printed. */
  readonly out?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Before anything is stored: keys that cannot be handed out are of no use. @throws UsageError 'cannot-create' */
export function checkOut(out: string | undefined, { workingFolder }: Terminal): void {
  if (out === undefined) return;
  const folder = resolve(workingFolder, out);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

/** @param what the first line: what has happened */
export async function handOut(
  what: string,
  identity: Identity,
  material: DeviceMaterial,
  { host = hostname(), out, json = false }: HandOutOptions,
  terminal: Terminal,
): Promise<void> {
  const sheet = deviceSheet(identity.name, material, host, out);
  const written = out === undefined ? [] : writeFiles(resolve(terminal.workingFolder, out), sheet.files);
  if (json) {
    terminal.out(`${JSON.stringify(materialValue(identity, material, out === undefined, written))}\n`);
    return;
  }
  const { outPaint: paint } = terminal;
  const secrets = sheet.files.some(({ secret }) => secret);
  const lines = [what, ...identityLines(identity)];
  if (out !== undefined) {
    lines.push(...written.map((path) => `written ${path}`));
  } else {
    if (secrets)
      lines.push(
        'What is secret below is shown this once; the store keeps no private key, and a shared one encrypted.',
      );
    for (const { name, text } of sheet.files) lines.push('', paint('bold', name), text.trimEnd());
  }
  for (const { title, lines: block } of sheet.blocks) {
    lines.push('', paint('bold', title), ...block.map((text) => (text === '' ? '' : `  ${text}`)));
  }
  terminal.out(`${lines.join('\n')}\n`);
  if (sheet.qr !== undefined && terminal.isOutTerminal && out === undefined) {
    const { qrCodeText } = await import('./qr-code.ts');
    terminal.out(`\n${qrCodeText(sheet.qr)}\n`);
  }
}

function identityLines({ groups, expires }: Identity): string[] {
  return [
    ...(groups.length === 0 ? [] : [`groups  ${groups.join(', ')}`]),
    ...(expires === undefined ? [] : [`until   ${timeText(expires)}`]),
  ];
}

function materialValue(
  { name, groups, expires }: Identity,
  material: DeviceMaterial,
  withSecrets: boolean,
  files: readonly string[],
): Readonly<Record<string, unknown>> {
  const own = { name, kind: material.kind, groups, expires: timeValue(expires), ...(files.length > 0 && { files }) };
  switch (material.kind) {
    case 'psk': {
      const { pskIdentity, key } = material;
      return { ...own, pskIdentity, ...(withSecrets && key !== undefined && { key, keyHex: hex(utf8(key)) }) };
    }
    case 'x509': {
      const { certificate, privateKey, root } = material;
      return { ...own, certificate, root, ...(withSecrets && { privateKey }) };
    }
    case 'rpk':
      return { ...own, ...(withSecrets && { privateKey: material.privateKey }) };
  }
}

/** The paths written. @throws UsageError 'cannot-create' */
function writeFiles(folder: string, files: readonly DeviceFile[]): string[] {
  try {
    return files.map(({ name, text, secret }) => {
      const path = join(folder, name);
      const mode = secret ? 0o600 : 0o644;
      writeFileSync(path, text, { mode });
      // The file may have been there, with another mode.
      chmodSync(path, mode);
      return path;
    });
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

function cannotWrite(folder: string, cause: unknown): UsageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UsageError('cannot-create', `What the device needs cannot be written to ${folder}: ${reason}.`, { cause });
}
