/** The gateway as its users start it: a process of its own on a free loopback port, with libraries of the test's. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyShippedLibraries } from '../functions/shipped-libraries.ts';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** Files by path below the libraries' folder. `$MARKS` in them becomes a file that a function can append to. */
export type LibraryFiles = Readonly<Record<string, string>>;

export interface GatewayProcessOptions {
  readonly libraries: LibraryFiles | 'shipped';
  /** `setting=value`, as for `serve --set`. */
  readonly settings?: readonly string[];
  /** Of a gateway before this one, which has left it: its libraries and `$MARKS` go on. It is removed by who made it. */
  readonly home?: string;
}

export class GatewayProcess {
  readonly port: number;
  readonly folder: string;
  readonly addresses: readonly string[];
  /** Where the HTTP door is open. */
  readonly httpUrls: readonly string[];
  /** Where coaps is open. */
  readonly securedUri: string | undefined;
  readonly #child: ChildProcess;
  readonly #home: string;
  readonly #ownsHome: boolean;
  readonly #log: string[];

  private constructor(child: ChildProcess, home: string, ownsHome: boolean, printed: string, log: string[]) {
    const { addresses, http, metrics } = JSON.parse(printed) as {
      addresses: string[];
      http?: string[];
      metrics?: string;
    };
    this.securedUri = addresses.find((address) => address.startsWith('coaps:'));
    this.addresses = addresses;
    this.httpUrls = http ?? [];
    this.#child = child;
    this.#home = home;
    this.#ownsHome = ownsHome;
    this.#log = log;
    this.folder = join(home, 'libraries');
    this.port = Number(new URL(addresses[0] ?? '').port);
    this.metricsUrl = metrics;
  }

  static async start(options: GatewayProcessOptions): Promise<GatewayProcess> {
    const home = options.home ?? mkdtempSync(join(tmpdir(), 'funcoap-gateway-'));
    const folder = join(home, 'libraries');
    if (!existsSync(folder)) {
      writeFileSync(join(home, 'marks'), '');
      mkdirSync(folder);
    }
    if (options.libraries === 'shipped') copyShippedLibraries(folder);
    else writeLibraries(home, options.libraries);
    const settings = (options.settings ?? []).flatMap((setting) => ['--set', setting]);
    const args = [
      'serve',
      '--json',
      '--port',
      '0',
      '--listen',
      '127.0.0.1',
      '--libraries',
      folder,
      '--log-format',
      'json',
    ];
    const child = spawn(process.execPath, [join(root, 'bin', 'funcoap.js'), ...args, ...settings], {
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    while (!printed.includes('\n')) {
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      if (child.exitCode !== null) throw new Error(`the gateway did not start:\n${log.join('')}`);
    }
    return new GatewayProcess(child, home, options.home === undefined, printed, log);
  }

  get uri(): string {
    return `coap://127.0.0.1:${this.port}`;
  }

  /** How often functions wrote to `$MARKS`. */
  get marks(): number {
    return readFileSync(join(this.#home, 'marks')).length;
  }

  /** Lines of the log so far. */
  get log(): Record<string, unknown>[] {
    const lines = this.#log.join('').split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** What was written to the error output, the log included. */
  get errors(): string {
    return this.#log.join('');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of the metrics, where `metrics.enabled` is set. */
  readonly metricsUrl: string | undefined;

  /** Resolves with how it ended. */
  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.running) await once(this.#child, 'exit');
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resident memory in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  write(files: LibraryFiles): void {
    writeLibraries(this.#home, files);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  async stop(): Promise<void> {
    if (this.running) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    if (this.#ownsHome) rmSync(this.#home, { recursive: true, force: true });
  }
}

function writeLibraries(home: string, files: LibraryFiles): void {
  for (const [path, source] of Object.entries(files)) {
    const file = join(home, 'libraries', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source.replaceAll('$MARKS', join(home, 'marks')));
  }
}
