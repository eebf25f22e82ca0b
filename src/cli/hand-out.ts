/** Hands to a person, or a script, what a device needs: printed once, or written to files. */
import { accessSync, constants } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../core/error.ts';
import { hex, utf8 } from '../core/bytes.ts';
import type { Identity } from '../devices/identity.ts';
import { makeFolder, reasonOf } from '../store/make-folder.ts';
import { replaceFile } from '../store/replace-file.ts';
import { coapsPortOf, timeText, timeValue, type DataOptions } from './command-data.ts';
import type { DeviceMaterial } from './device-material.ts';
import { deviceSheet, type DeviceBlock, type DeviceFile } from './device-sheet.ts';
import { hostOf } from './host.ts';
import { ownCommand } from './own-command.ts';
import type { Terminal } from './terminal.ts';

export interface HandOutOptions {
  /** How the device reaches the gateway. */
  readonly host: string;
  /** Undefined: that of coaps. */
  readonly port: number | undefined;
  /** Files are written there instead of being printed. */
  readonly out?: string | undefined;
  readonly json?: boolean | undefined;
}

/** How the device reaches the gateway; by this machine's name unless it is said. @throws UsageError 'bad-flag' */
export async function reachOf(
  options: DataOptions & { readonly host?: string },
  terminal: Terminal,
): Promise<Pick<HandOutOptions, 'host' | 'port'>> {
  const host = options.host === undefined ? hostname() : hostOf(options.host);
  return { host, port: await coapsPortOf(options, terminal) };
}

/** Before anything is stored: keys that cannot be handed out are of no use. @throws UsageError 'cannot-create' */
export function checkOut(out: string | undefined, { workingFolder }: Terminal): void {
  if (out === undefined) return;
  const folder = resolve(workingFolder, out);
  try {
    makeFolder(folder);
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
  { host, port, out, json = false }: HandOutOptions,
  terminal: Terminal,
): Promise<void> {
  const sheet = deviceSheet(identity.name, material, { host, port, folder: out, command: ownCommand(terminal) });
  // Blocks that a key stands in are as secret as its file.
  const files = [...sheet.files, ...sheet.blocks.flatMap(blockFile)];
  const shown = sheet.blocks.filter(({ file }) => out === undefined || file === undefined);
  const written = out === undefined ? [] : writeFiles(resolve(terminal.workingFolder, out), files, identity.name);
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
  for (const { title, lines: block } of shown) {
    lines.push('', paint('bold', title), ...block.map((text) => (text === '' ? '' : `  ${text}`)));
  }
  terminal.out(`${lines.join('\n')}\n`);
  if (sheet.qr !== undefined && terminal.isOutTerminal && out === undefined) {
    const { qrCodeText } = await import('./qr-code.ts');
    terminal.out(`\n${qrCodeText(sheet.qr)}\n`);
  }
}

const blockFile = ({ title, lines, file }: DeviceBlock): DeviceFile[] =>
  file === undefined ? [] : [{ name: file, text: `# ${title}\n${lines.join('\n')}\n`, secret: true }];

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
      return { ...own, gatewayKey: material.gatewayKey, ...(withSecrets && { privateKey: material.privateKey }) };
  }
}

/** The paths written. @throws UsageError 'cannot-create' */
function writeFiles(folder: string, files: readonly DeviceFile[], identity: string): string[] {
  try {
    return files.map(({ name, text, secret }) => {
      const path = join(folder, name);
      replaceFile(path, text, secret ? 0o600 : 0o644);
      return path;
    });
  } catch (cause) {
    const cure = ` The keys of ${identity} are lost; \`funcoap identities rotate ${identity} --overlap 0s\` gives it others.`;
    throw cannotWrite(folder, cause, cure);
  }
}

function cannotWrite(folder: string, cause: unknown, cure: string = ''): UsageError {
  const message = `What the device needs cannot be written to ${folder}: ${reasonOf(cause)}.${cure}`;
  return new UsageError('cannot-create', message, { cause });
}
