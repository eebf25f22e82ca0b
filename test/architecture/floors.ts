/**
 * The shape of the house as data: docs/architecture.md drawn as tables. Arrows point down only;
 * folders of one floor do not know each other but for the doors listed here.
 */

/** Every folder of src/ and its floor. A folder that is not here may not exist. */
export const floors: Readonly<Record<string, number>> = {
  core: 0,
  cbor: 1,
  coap: 1,
  dtls: 1,
  transport: 2,
  functions: 2,
  cache: 2,
  devices: 2,
  store: 2,
  directory: 2,
  gateway: 3,
  http: 3,
  client: 3,
  config: 4,
  telemetry: 4,
  processes: 4,
  cli: 4,
};

export interface Door {
  readonly from: string;
  /** A folder of src/, or one file of it. */
  readonly to: string;
  /** Only `import type`: an interface that the lower party declares. */
  readonly typeOnly: boolean;
}

/** What may be imported although it does not stand on a lower floor. */
export const doors: readonly Door[] = [
  { from: 'cli', to: 'config', typeOnly: false },
  { from: 'cli', to: 'telemetry', typeOnly: false },
  { from: 'cli', to: 'processes', typeOnly: false },
  // The supervisor hands the configuration on, and makes one log and one page of metrics of several.
  { from: 'processes', to: 'config', typeOnly: false },
  { from: 'processes', to: 'telemetry', typeOnly: false },
  // The gateway calls devices.
  { from: 'gateway', to: 'client', typeOnly: false },
  // The composition root opens the HTTP front beside the CoAP front.
  { from: 'gateway/gateway.ts', to: 'http', typeOnly: false },
  // What the HTTP front asks of the gateway, declared there.
  { from: 'gateway/calls.ts', to: 'http/gateway-face.ts', typeOnly: true },
  { from: 'gateway/door-answers.ts', to: 'http/gateway-face.ts', typeOnly: true },
  { from: 'gateway/stated-call.ts', to: 'http/gateway-face.ts', typeOnly: true },
  { from: 'gateway/door-flows.ts', to: 'http/gateway-face.ts', typeOnly: true },
  { from: 'gateway/door-objects.ts', to: 'http/gateway-face.ts', typeOnly: true },
  { from: 'gateway/door-visit.ts', to: 'http/gateway-face.ts', typeOnly: true },
  // The registry is handed a result cache.
  { from: 'functions', to: 'cache', typeOnly: true },
  // Discovery prints descriptions.
  { from: 'directory', to: 'functions/description.ts', typeOnly: true },
  // Stores implement what these declare.
  { from: 'store', to: 'devices', typeOnly: true },
  { from: 'store', to: 'functions', typeOnly: true },
];

/** Upward or downward, never: a transport moves bytes and knows nothing of what is in them. */
export const walls: readonly { readonly from: string; readonly to: string }[] = [
  { from: 'transport', to: 'coap' },
  { from: 'transport', to: 'cbor' },
  { from: 'coap', to: 'cbor' },
];

/** Folders that reach no `node:*` module, not even through core/. */
export const withoutNode: readonly string[] = ['coap', 'cbor'];

/** Folders of which one file alone imports `node:*` modules: it can be replaced. */
export const nodeInOneFile: Readonly<Record<string, string>> = { dtls: 'src/dtls/crypto.ts' };

/** The npm packages that a folder may import, where that is limited; all others may import any dependency. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  core: [],
  cbor: [],
  coap: [],
  dtls: [],
  transport: [],
};

/** What a shipped library may import besides its own files and `node:*`: what any library may. */
export const libraryPackages: readonly string[] = ['funcoap/library', 'zod'];
