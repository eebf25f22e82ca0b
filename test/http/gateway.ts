/** A gateway with an HTTP door in this process, on free ports of loopback, and plain requests to it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gatewayOptions } from '../../src/cli/gateway-options.ts';
import { openHttp } from '../../src/cli/http-door.ts';
import { openGateway, type Gateway } from '../../src/gateway/gateway.ts';
import { openLog } from '../../src/telemetry/log.ts';
import { parsedConfig } from '../config/loading.ts';
import { copyShippedLibraries } from '../functions/shipped-libraries.ts';

export interface TestGateway {
  readonly gateway: Gateway;
  /** Of plain HTTP on 127.0.0.1. */
  readonly url: string;
  /** Of HTTPS, where it is open. */
  readonly secureUrl: string;
  /** `coap://127.0.0.1:…` */
  readonly coap: string;
  readonly folder: string;
  close(): Promise<void>;
}

export interface Settings {
  readonly libraries: Readonly<Record<string, string>> | 'shipped';
  readonly http?: Readonly<Record<string, unknown>>;
  readonly https?: Readonly<Record<string, unknown>>;
  /** Any others. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Of the identities. */
  readonly data?: string;
}

export async function startGateway(settings: Settings): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-http-'));
  const libraries = join(folder, 'libraries');
  mkdirSync(libraries);
  if (settings.libraries === 'shipped') copyShippedLibraries(libraries);
  else {
    for (const [path, source] of Object.entries(settings.libraries)) {
      mkdirSync(dirname(join(libraries, path)), { recursive: true });
      writeFileSync(join(libraries, path), source);
    }
  }
  const config = parsedConfig({
    coap: { listen: ['127.0.0.1'], port: 0 },
    http: { listen: ['127.0.0.1'], port: 0, ...settings.http },
    https: { port: 0, ...settings.https },
    data: { folder: settings.data ?? join(folder, 'data') },
    libraries: { folder: libraries },
    ...settings.more,
  });
  const log = openLog({ level: 'silent', format: 'json', fileDescriptor: 2, environment: {}, timeOfDay: () => 0 });
  const http = await openHttp(config, log.logger, undefined, false);
  const gateway = await openGateway(gatewayOptions(config, undefined, http.options));
  const [coap] = gateway.addresses;
  const urlOf = (scheme: string): string => gateway.httpUrls.find((url) => url.startsWith(`${scheme}:`)) ?? '';
  return {
    gateway,
    url: urlOf('http'),
    secureUrl: urlOf('https'),
    coap: `coap://127.0.0.1:${coap?.port}`,
    folder,
    close: async () => {
      await gateway.close();
      await http.close();
      await log.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** For https. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The text as JSON. */
  readonly json: unknown;
  /** Of a problem. */
  readonly problem: string | undefined;
}

/** Nothing is added that is not asked for, so that headers are what the test says. */
export function ask(url: string, { method = 'GET', headers = {}, body, tls = {} }: Asked = {}): Promise<Answered> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const made = send(
      url,
      { method, headers: { ...headers } as Record<string, string>, agent: false, ...tls },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const bytes = new Uint8Array(Buffer.concat(parts));
          const text = Buffer.from(bytes).toString();
          resolve(answeredOf(answer.statusCode ?? 0, answer.headers, bytes, text));
        });
        answer.on('error', reject);
      },
    );
    made.on('error', reject);
    made.end(body);
  });
}

function answeredOf(status: number, headers: IncomingHttpHeaders, bytes: Uint8Array, text: string): Answered {
  const json: unknown = /[/+]json/.test(headers['content-type'] ?? '') ? JSON.parse(text || 'null') : undefined;
  const type: unknown = typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;
  return {
    status,
    headers,
    bytes,
    text,
    json,
    problem: typeof type === 'string' ? type.replace('funcoap:e/', '') : undefined,
  };
}

/** POST with a JSON body. */
export const post = (url: string, value: unknown, headers: Asked['headers'] = {}): Promise<Answered> =>
  ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  });
