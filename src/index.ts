/** The public API of funcoap. What libraries import is `funcoap/library`. */
export { CoapClient, openCoapClient } from './client/coap-client.ts';
export type { CoapClientOptions } from './client/coap-client.ts';
export type { CoapRequest, CoapResponse } from './client/coap-request.ts';
export { RequestError } from './client/request-error.ts';
export type { Argument } from './client/sdk/arguments.ts';
export type { Batch, RecordedFunction, RecordedLibraries, Resolved } from './client/sdk/batch.ts';
export type { CallOptions } from './client/sdk/call-options.ts';
export { connect } from './client/sdk/connect.ts';
export type { ConnectOptions } from './client/sdk/connect.ts';
export { ArgumentError, RemoteError } from './client/sdk/errors.ts';
export type { Reference } from './client/sdk/references.ts';
export type { ThrownError } from './client/sdk/errors.ts';
export type {
  Connection,
  ConnectionControls,
  RemoteFunction,
  RemoteLibraries,
  RemoteLibrary,
} from './client/sdk/remote-function.ts';
export type { ClientCredentials } from './dtls/credentials.ts';
export type { Config } from './config/config.ts';
export { openGateway } from './gateway/gateway.ts';
export type { Gateway, GatewayCounters, GatewayOptions } from './gateway/gateway.ts';
export { milliseconds, minutes, seconds } from './core/duration.ts';
export type { Instant, Milliseconds } from './core/duration.ts';
export type { DescribedFunction, DescribedParameter, DescribedType } from './directory/described.ts';
export type { LibrarySummary } from './directory/read-description.ts';
export { FuncoapError, InternalError, PeerError, UsageError } from './core/error.ts';
export type { ErrorFamily } from './core/error.ts';
export type { Value } from './core/value.ts';
