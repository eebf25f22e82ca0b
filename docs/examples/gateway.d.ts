// The functions of coap://127.0.0.1, written by `funcoap types`: write it anew when they change.
import type { RemoteFunction, Value } from 'funcoap';

/** `const gw = await connect<Gateway>("coap://127.0.0.1")` */
export interface Gateway {
  readonly "journal": {
    /**
     * The lines so far.
     */
    readonly "read": RemoteFunction<[], Readonly<Record<string, never>>, readonly (string)[]>;
    /**
     * Writes a line.
     */
    readonly "write": RemoteFunction<[line: string], { readonly "line": string }, Value>;
  };
  readonly "shop": {
    /**
     * Buys something, of which there is never enough.
     */
    readonly "buy": RemoteFunction<[item: string], { readonly "item": string }, string>;
    /**
     * The customer of this name.
     */
    readonly "customer": RemoteFunction<[name: string], { readonly "name": string }, { readonly "id": number; readonly "name": string }>;
    /**
     * What a customer has bought.
     * @param customer their number
     */
    readonly "ordersOf": RemoteFunction<[customer: number], { readonly "customer": number }, readonly ({ readonly "item": string; readonly "price": number })[]>;
    /**
     * What orders cost together.
     */
    readonly "total": RemoteFunction<[orders: readonly ({ readonly "item": string; readonly "price": number })[]], { readonly "orders": readonly ({ readonly "item": string; readonly "price": number })[] }, number>;
  };
  readonly "ticker": {
    /**
     * Prices of a share, five in a second.
     */
    readonly "prices": RemoteFunction<[symbol: "ACME" | "INITECH"], { readonly "symbol": "ACME" | "INITECH" }, { readonly "price": number; readonly "symbol": string }>;
  };
  readonly "weather": {
    /**
     * Degrees Fahrenheit.
     */
    readonly "fahrenheit": RemoteFunction<[celsius: number], { readonly "celsius": number }, number>;
    /**
     * The mean of what a place has reported.
     */
    readonly "mean": RemoteFunction<[place: string], { readonly "place": string }, number>;
    /**
     * Keeps a reading, and tells how many there are of its place.
     */
    readonly "report": RemoteFunction<[place: string, celsius: number], { readonly "place": string; readonly "celsius": number }, number | bigint | number>;
  };
}

/** Any value that can be sent. */
export type Any = Value | object;
