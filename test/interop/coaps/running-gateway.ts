/** The running gateway with coaps open on a free port, identities made by the command line, and programs of others that are there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ran, type Ran } from '../../cli/terminal.ts';
import { GatewayProcess, type LibraryFiles } from '../../gateway/gateway-process.ts';

/** Why tests are skipped; undefined where all programs are there. */
export function missingPrograms(debianPackage: string, ...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')} (Debian: ${debianPackage})`;
}

export const libraries: LibraryFiles = {
  'who/index.ts': `import { context } from 'funcoap/library';
    /** @safe */ export function am(): string { return context().identity; }
    /** @safe */ export function peer(): string { return context().peer; }
    /** @pure @maxAge 60 */ export function secret(): string { return context().identity + ' ' + Math.random(); }`,
  'sum/index.ts': `/** @pure */ export function add(a: number, b: number): number { return a + b; }
    /** @pure */ export function sub(a: number, b: number): number { return a - b; }`,
  'text/index.ts': `import { setTimeout as delay } from 'node:timers/promises';
    /** @safe */ export function long(lines: number): string { return 'a line of thirty-two characters\\n'.repeat(lines); }
    export function lengthOf(text: string): number { return text.length; }
    /** @safe */ export async function slow(): Promise<string> { await delay(400); return 'at last'; }`,
};

export class RunningGateway {
  /** The working folder of commands; the data folder is in it. */
  readonly folder: string;
  #process: GatewayProcess | undefined;

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'funcoap-coaps-'));
  }

  /** `enrolled`: before it starts, because without anybody there is no coaps. */
  static async start({
    authority = true,
    settings = [],
    access = [{ functions: ['*'], resources: ['*'] }],
  }: {
    readonly authority?: boolean;
    readonly settings?: readonly string[];
    readonly access?: readonly unknown[];
  } = {}): Promise<RunningGateway> {
    const gateway = new RunningGateway();
    if (authority) await gateway.funcoap('ca init --host 127.0.0.1 --host localhost');
    else await gateway.funcoap('enroll somebody');
    gateway.#process = await GatewayProcess.start({
      libraries,
      settings: [
        `data.folder=${join(gateway.folder, 'data')}`,
        'coaps.listen=127.0.0.1',
        'coaps.port=0',
        `access=${JSON.stringify(access)}`,
        ...settings,
      ],
    });
    return gateway;
  }

  get process(): GatewayProcess {
    if (this.#process === undefined) throw new Error('the gateway does not run');
    return this.#process;
  }

  get uri(): string {
    return this.process.securedUri ?? '';
  }

  get port(): number {
    return Number(new URL(this.uri.replace('coaps:', 'http:')).port);
  }

  /** A command line in the folder. */
  async run(line: string): Promise<Ran> {
    return await ran(line.split(' '), { workingFolder: this.folder });
  }

  /** The same; it has to succeed. Returns its output. */
  async funcoap(line: string): Promise<string> {
    const { code, out, err } = await this.run(line);
    if (code !== 0 || err !== '') throw new Error(`${line} ended with ${code}: ${err}`);
    return out;
  }

  /** `enroll NAME …`; returns what it prints. */
  async enroll(name: string, more = ''): Promise<string> {
    return await this.funcoap(`enroll ${name} --host 127.0.0.1 --out .${more}`);
  }

  /** The key that was written for an identity. */
  keyOf(name: string): string {
    return (
      readFileSync(join(this.folder, `${name}.psk`), 'utf8')
        .trim()
        .split(',')[2] ?? ''
    );
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** The line that `enroll` printed for the command line, with `call` of a resource instead of `ls`. */
  line(printed: string, path: string): string {
    const flags = /^ {2}\S.* ls coaps:\/\/\S+ (.*)$/m.exec(printed)?.[1];
    if (flags === undefined) throw new Error(`no line for the command line in:\n${printed}`);
    return `call ${this.uri}${path} ${flags}`;
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    rmSync(this.folder, { recursive: true });
  }
}
