/**
 * The server of the ETSI CoAP plugtests, on the gateway's own engine, front and router: proof that they carry more
 * than function calls. docs/interop.md lists its resources by the tests they are for.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { CoapEngine, defaultEngineLimits } from '../../../src/coap/engine.ts';
import { defaultTransmissionOptions, deriveParameters } from '../../../src/coap/parameters.ts';
import type { Address } from '../../../src/core/datagram.ts';
import { milliseconds, seconds, type Milliseconds } from '../../../src/core/duration.ts';
import { Front } from '../../../src/gateway/front.ts';
import { AccessRules, openAccess } from '../../../src/gateway/access-rules.ts';
import { RateLimit } from '../../../src/gateway/rate-limit.ts';
import { Router } from '../../../src/gateway/router.ts';
import { drive } from '../../../src/transport/driver.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { openUdp } from '../../../src/transport/udp.ts';
import { text } from './representation.ts';
import { CreatedResources } from './resources/created.ts';
import { largeResource, lines, multiFormatResource, queryResource, textResource } from './resources/fixed.ts';
import { LargeCreateResource, LargePostResource } from './resources/large-body.ts';
import { coreLinks, LinkListResource, pathLinks } from './resources/link-list.ts';
import { LocationQueryResource } from './resources/location-query.ts';
import { ObsResetResource } from './resources/obs-reset.ts';
import { ObservableResource, type ObservableOptions } from './resources/observable.ts';
import { SeparateResource } from './resources/separate.ts';
import { StoredResource } from './resources/stored.ts';
import { TestResource, testLocation } from './resources/test.ts';

export interface PlugtestServerOptions {
  readonly listen: readonly string[];
  /** 0 is any free port. */
  readonly port: number;
  /** How often /obs and /obs-non change. */
  readonly interval: Milliseconds;
}

export const defaultPlugtestServerOptions: PlugtestServerOptions = {
  listen: ['127.0.0.1'],
  port: 5683,
  interval: seconds(5),
};

export interface PlugtestServer {
  readonly addresses: readonly Address[];
  close(): Promise<void>;
}

const piggybackWindow = milliseconds(200);
const separateDelay = milliseconds(500);

/** @throws UsageError where the address or the port cannot be bound */
export async function openPlugtestServer(options: Partial<PlugtestServerOptions> = {}): Promise<PlugtestServer> {
  const { listen, port, interval } = { ...defaultPlugtestServerOptions, ...options };
  const scheduler = systemScheduler;
  const wake = (): void => driven.wake();
  const observable: Omit<ObservableOptions, 'confirmable'> = {
    interval,
    scheduler,
    wake,
    observe: (request, onEnd, now) => engine.observe(request, onEnd, now),
  };
  const obs = new ObservableResource({ ...observable, confirmable: true });
  const obsNon = new ObservableResource({ ...observable, confirmable: false });
  const created = new CreatedResources();
  const router = new Router()
    .add(['test'], new TestResource(created))
    .add(testLocation, created)
    .add(['seg1', 'seg2', 'seg3'], textResource('Three segments deep.'))
    .add(['query'], queryResource)
    .add(['separate'], new SeparateResource(separateDelay, scheduler))
    .add(['location-query'], new LocationQueryResource())
    .add(['multi-format'], multiFormatResource)
    .add(['validate'], new StoredResource(text('Not changed yet.')))
    .add(['create1'], new StoredResource(undefined))
    .add(['large'], largeResource)
    .add(['large-update'], new StoredResource(text(lines(1))))
    .add(['large-create'], new LargeCreateResource(created))
    .add(['created', '*'], created)
    .add(['large-post'], new LargePostResource())
    .add(['obs'], obs)
    .add(['obs-non'], obsNon)
    .add(['obs-reset'], new ObsResetResource((now) => obs.forget(now)))
    .add(['.well-known', 'core'], new LinkListResource(coreLinks))
    .add(['path'], new LinkListResource(pathLinks));
  for (const name of ['link1', 'link2', 'link3']) router.add([name], textResource(`This is /${name}.`));
  for (const name of ['sub1', 'sub2', 'sub3']) router.add(['path', name], textResource(`This is /path/${name}.`));

  const front = new Front({
    router,
    rateLimit: new RateLimit({ perSecond: 0, burst: 0, loopback: false, maxPeers: 0 }),
    access: new AccessRules(openAccess),
    clock: scheduler,
    respond: (request, response, now) => engine.respond(request, response, now),
    wake,
    showInternals: true,
  });
  const key = randomBytes(32);
  const parameters = deriveParameters({ ...defaultTransmissionOptions, piggybackWindow });
  const engine = new CoapEngine(
    {
      limits: defaultEngineLimits,
      parametersFor: () => parameters,
      random: { uniform: Math.random, bytes: (length) => new Uint8Array(randomBytes(length)) },
      seal: (input) => new Uint8Array(createHmac('sha256', key).update(input).digest()),
      now: scheduler.now(),
    },
    front,
  );
  const driven = await drive(engine, (receiver) => openUdp({ listen, port }, receiver), scheduler);
  return {
    addresses: driven.transport.addresses,
    close: async () => {
      obs.close();
      obsNon.close();
      await driven.close();
    },
  };
}
