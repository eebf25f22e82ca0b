/**
 * A program: a gateway and a device that is no part of this machine as far as the gateway can tell, because its address is not one of
 * loopback; where there is such an address is up to who starts it. The gateway is killed, the device moves, and it knows nothing of
 * return routability (RFC 9853). Its output is one line of JSON.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { method } from '../../src/coap/codec/codes.ts';
import { findOption, opaqueOption, optionNumber, type Option } from '../../src/coap/codec/options.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { emptyBytes } from '../../src/core/bytes.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RestartDevice } from './restart-device.ts';

/** What it saw. The states are those that the gateway has logged since its last start. */
export interface EchoSeen {
  readonly whole: number;
  readonly cut: number;
  readonly echo: number;
  readonly moved: readonly string[];
  readonly afterEcho: number;
  readonly verified: readonly string[];
  /** After one more restart. */
  readonly still: number;
  readonly stillStates: readonly string[];
}

const libraries = {
  'text/index.ts': `/** @safe */ export function long(): string { return 'x'.repeat(1000); }
    export function note(what: string): string { return what; }`,
};

async function see(folder: string, from: string, identity: string, key: string): Promise<EchoSeen> {
  let port = 0;
  const start = async (): Promise<GatewayProcess> => {
    const started = await GatewayProcess.start({
      libraries,
      home: join(folder, 'home'),
      settings: [
        `data.folder=${join(folder, 'data')}`,
        'coaps.listen=127.0.0.1',
        `coaps.port=${port}`,
        'log.level=debug',
        'profile.piggybackWindow=60s',
      ],
    });
    port = Number(new URL(started.securedUri ?? '').port);
    return started;
  };
  let gateway = await start();
  const killAndRestart = async (): Promise<void> => {
    gateway.signal('SIGKILL');
    await gateway.ended();
    gateway = await start();
  };
  const device = new RestartDevice({ port, identity, key, from, answersByItself: false });
  /** Home is where it was at first. */
  let home = '';
  const states = (): string[] =>
    gateway.log
      .filter(({ event }) => event === 'association')
      .map(({ state, peer }) => `${String(state)} ${peer === home ? 'at home' : 'away'}`);
  const long = (...more: readonly Option[]): Promise<Uint8Array> =>
    device.ask(device.request(method.GET, ['func', 'text', 'long'], ...more));
  try {
    await device.connect();
    home = `${from}:${device.port}`;
    const whole = await long();
    // Is written before it runs, and the association with it.
    await device.ask(device.call(['func', 'text', 'note'], 'home'));
    await killAndRestart();

    await device.move();
    const cut = await long();
    const message = decodeMessage(cut);
    const echo = isMalformed(message) ? undefined : findOption(message.options, optionNumber.echo);
    const moved = states();
    const afterEcho = await long(opaqueOption(optionNumber.echo, echo ?? emptyBytes));
    await device.ask(device.call(['func', 'text', 'note'], 'away'));
    await delay(500);
    const verified = states();

    await killAndRestart();
    const still = await long();
    await delay(500);
    return {
      whole: whole.length,
      cut: cut.length,
      echo: echo?.length ?? 0,
      moved,
      afterEcho: afterEcho.length,
      verified,
      still: still.length,
      stillStates: states(),
    };
  } finally {
    device.close();
    await gateway.stop();
  }
}

const [, script, folder, from, identity, key] = process.argv;
if (import.meta.url.endsWith(`/${script?.split('/').at(-1)}`) && key !== undefined) {
  const seen = await see(folder ?? '', from ?? '', identity ?? '', key);
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}
