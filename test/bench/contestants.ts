/** The servers that are compared: how each is started, what it is asked, what it is. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from './build.ts';
import type { Call } from './calls.ts';
import { identities, preSharedKey, securedData } from './identities.ts';

export type ContestantName =
  | 'limit'
  | 'echo'
  | 'funcoap'
  | 'funcoap-dgram'
  | 'funcoap-2'
  | 'libcoap'
  | 'libcoap-few'
  | 'libcoap-plain'
  | 'coap-server'
  | 'coap-server-few'
  | 'npm-coap'
  | 'funcoap-coaps'
  | 'libcoap-openssl'
  | 'libcoap-openssl-few'
  | 'coap-server-openssl'
  | 'coap-server-openssl-few'
  | 'http'
  | 'fastify'
  | 'funcoap-http';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a scenario needs of funcoap beyond its defaults. */
export interface Setting {
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Contestant {
  readonly title: string;
  readonly protocol: 'coap' | 'coaps' | 'http';
  /** Instead of the scenario's: for servers that get slower with each peer, and remember no Message IDs. */
  readonly endpoints?: number;
  /** In C: as fast at first as later. */
  readonly compiled?: true;
  /** Also on the processor of the load. */
  readonly spreads?: true;
  /** The same question in its words. */
  readonly call: (call: Call) => Call;
  readonly command: (port: number, call: Call, setting: Setting, programs: Programs) => Command;
  /** Undefined where it is not on this machine; `advice` says then what to do. */
  readonly version: (programs: Programs) => string | undefined;
  readonly advice: string;
}

const here = import.meta.dirname;
const root = join(here, '../..');
const asked = (call: Call): Call => call;
/** So few that it does not show, with many requests at a time from each. */
const few = 4;

/** The options and payload that funcoap sends; of a sum that counts, as many bytes. */
function cannedAnswer(call: Call): string[] {
  // ETag and Max-Age of two bytes
  if (call.code === '2.03') return ['67', '44cd994727a20e10'];
  // ETag, Content-Format 60, Max-Age of two bytes, payload
  return ['69', `44cd994727813c220e10ff${call.addition === undefined ? (call.answer ?? '') : '1a00010001'}`];
}

/** Whoever answers the same to everything is not checked for what depends on the arguments. */
const constantly = ({ addition, answer, ...call }: Call): Call => ({
  ...call,
  answer: addition === undefined ? answer : undefined,
});

const node =
  (script: string) =>
  (port: number): Command => ({
    file: process.execPath,
    args: [join(here, 'servers', script), String(port)],
  });

const funcoap =
  (args: readonly string[], environment: Readonly<Record<string, string>>) =>
  (port: number, _: Call, setting: Setting, programs: Programs): Command => ({
    file: process.execPath,
    args: [join(root, 'bin/funcoap.js'), 'serve', ...args],
    environment: {
      FUNCOAP_COAP_LISTEN: '127.0.0.1',
      FUNCOAP_COAP_PORT: String(port),
      FUNCOAP_LIBRARIES_FOLDER: join(here, 'libraries'),
      // A folder belongs to one gateway, and variants of it run side by side.
      FUNCOAP_DATA_FOLDER: join(programs.folder, `data-${port}`),
      // Gateways that are measured one after the other, and those of whoever is at work beside, all have this port.
      FUNCOAP_HTTP_LISTEN: '',
      FUNCOAP_LOG_LEVEL: 'warn',
      ...environment,
      ...setting.environment,
    },
  });

/** Its coaps door, for the identities of identities.ts; plain CoAP is open on a port that nobody asks. */
const securedFuncoap: Contestant['command'] = (port, call, { environment }, programs) =>
  funcoap([], {})(
    0,
    call,
    {
      environment: {
        FUNCOAP_COAPS_LISTEN: '127.0.0.1',
        FUNCOAP_COAPS_PORT: String(port),
        FUNCOAP_COAPS_HANDSHAKE_RATE: '100000',
        // All devices of the load have one key.
        FUNCOAP_COAPS_SESSIONS_PER_IDENTITY: '1000000',
        FUNCOAP_DATA_FOLDER: securedData(programs),
        ...environment,
      },
    },
    programs,
  );

/** coap-server has no functions: its resource at `/` answers a GET with a constant text. */
const constantText = ({ confirmable, code }: Call): Call => ({
  confirmable,
  code,
  method: 'GET',
  path: '',
  answer: undefined,
});

function outputOf(file: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(file, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function packageVersion(path: string): string {
  const parsed: unknown = JSON.parse(readFileSync(join(root, path), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : '?';
}

const ownVersion = (): string => packageVersion('package.json');
const debianVersion = (name: string): string | undefined => outputOf('dpkg-query', ['-W', '-f', '${Version}', name]);
const compilerVersion = (): string | undefined => outputOf('cc', ['-dumpfullversion'])?.replace(/^/, 'cc ');
const takesProcesses = (): string | undefined =>
  outputOf(process.execPath, [join(root, 'bin/funcoap.js'), 'serve', '--help'])?.includes('--processes') === true
    ? ownVersion()
    : undefined;

const libcoap: Omit<Contestant, 'title'> = {
  protocol: 'coap',
  compiled: true,
  call: asked,
  command: (port, _, __, programs) => ({ file: programs.libcoap ?? '', args: [String(port)] }),
  version: (programs) => (programs.libcoap === undefined ? undefined : debianVersion('libcoap3-dev')),
  advice: 'on Debian: apt install libcoap3-dev pkg-config',
};

const coapServer: Omit<Contestant, 'title'> = {
  protocol: 'coap',
  compiled: true,
  call: constantText,
  command: (port) => ({ file: 'coap-server-notls', args: ['-A', '127.0.0.1', '-p', String(port)] }),
  version: () => debianVersion('libcoap3-bin'),
  advice: 'on Debian: apt install libcoap3-bin',
};

const securedLibcoap: Omit<Contestant, 'title'> = {
  ...libcoap,
  protocol: 'coaps',
  command: (port, _, __, programs) => ({ file: programs.securedLibcoap ?? '', args: [String(port), preSharedKey] }),
  version: ({ securedLibcoap, securedGenerator }) =>
    securedLibcoap === undefined || securedGenerator === undefined ? undefined : debianVersion('libcoap3-dev'),
  advice: 'on Debian: apt install libcoap3-dev libssl-dev pkg-config',
};

const securedCoapServer: Omit<Contestant, 'title'> = {
  ...coapServer,
  protocol: 'coaps',
  // It listens for DTLS on the port after the one that it is given.
  command: (port, _, __, programs) => {
    const { server, trusted } = identities(programs);
    return {
      file: 'coap-server-openssl',
      args: [
        ...['-A', '127.0.0.1', '-p', String(port - 1), '-v', '3', '-h', '', '-k', preSharedKey],
        ...['-c', server.certificate, '-j', server.privateKey, '-C', trusted],
      ],
    };
  },
  version: ({ securedGenerator }) => (securedGenerator === undefined ? undefined : debianVersion('libcoap3-bin')),
  advice: 'on Debian: apt install libcoap3-bin libssl-dev pkg-config',
};

const own: Pick<Contestant, 'protocol' | 'call' | 'version' | 'advice'> = {
  protocol: 'coap',
  call: asked,
  version: ownVersion,
  advice: 'it is this checkout',
};

const http: Pick<Contestant, 'protocol' | 'call' | 'advice'> = {
  protocol: 'http',
  call: asked,
  advice: 'npm ci',
};

export const contestants: Readonly<Record<ContestantName, Contestant>> = {
  'limit': {
    ...own,
    title: 'limit (C, recvmmsg, no protocol)',
    compiled: true,
    call: constantly,
    command: (port, call, _, programs) => ({ file: programs.limit, args: [String(port), ...cannedAnswer(call)] }),
    version: compilerVersion,
    advice: 'on Debian: apt install gcc libc6-dev',
  },
  'echo': {
    ...own,
    title: 'funcoap’s transport alone',
    call: constantly,
    command: (port, call) => {
      const { file, args } = node('echo.ts')(port);
      return { file, args: [...args, ...cannedAnswer(call)] };
    },
  },
  'funcoap': { ...own, title: 'funcoap', command: funcoap([], {}) },
  'funcoap-dgram': {
    ...own,
    title: 'funcoap, dgram',
    command: funcoap([], { FUNCOAP_COAP_TRANSPORT: 'dgram' }),
  },
  'funcoap-2': {
    ...own,
    title: 'funcoap, 2 processes',
    spreads: true,
    command: funcoap(['--processes', '2'], {}),
    version: takesProcesses,
    advice: 'funcoap serve has no --processes here',
  },
  'libcoap': { ...libcoap, title: 'libcoap' },
  'libcoap-few': { ...libcoap, title: `libcoap, ${few} peers`, endpoints: few },
  'libcoap-plain': {
    ...libcoap,
    title: `libcoap, ${few} peers, no ETag`,
    endpoints: few,
    call: (call) => ({ ...call, path: 'func/bench/plain' }),
  },
  'coap-server': { ...coapServer, title: 'coap-server (libcoap)' },
  'coap-server-few': { ...coapServer, title: `coap-server, ${few} peers`, endpoints: few },
  'funcoap-coaps': {
    ...own,
    title: 'funcoap, coaps',
    protocol: 'coaps',
    command: securedFuncoap,
    version: ({ securedGenerator }) => (securedGenerator === undefined ? undefined : ownVersion()),
    advice: 'on Debian: apt install libssl-dev pkg-config',
  },
  'libcoap-openssl': { ...securedLibcoap, title: 'libcoap, OpenSSL' },
  'libcoap-openssl-few': { ...securedLibcoap, title: `libcoap, OpenSSL, ${few} peers`, endpoints: few },
  'coap-server-openssl': { ...securedCoapServer, title: 'coap-server-openssl' },
  'coap-server-openssl-few': { ...securedCoapServer, title: `coap-server-openssl, ${few} peers`, endpoints: few },
  'npm-coap': {
    ...own,
    title: 'npm coap',
    command: node('npm-coap.ts'),
    version: () => packageVersion('node_modules/coap/package.json'),
    advice: 'npm ci',
  },
  'http': { ...http, title: 'Node http, JSON', command: node('http.ts'), version: () => process.version },
  'fastify': {
    ...http,
    title: 'fastify, JSON',
    command: node('fastify.ts'),
    version: () => packageVersion('node_modules/fastify/package.json'),
  },
  'funcoap-http': {
    ...http,
    title: 'funcoap, HTTP and JSON',
    command: (port, call, setting, programs) =>
      funcoap([], { FUNCOAP_COAP_PORT: '0', FUNCOAP_HTTP_LISTEN: '127.0.0.1', FUNCOAP_HTTP_PORT: String(port) })(
        port,
        call,
        setting,
        programs,
      ),
    version: ownVersion,
  },
};

export const contestantNames: readonly ContestantName[] = Object.keys(contestants).filter(
  (name): name is ContestantName => name in contestants,
);
