// The functions of coap://127.0.0.1, written by `funcoap types`: write it anew when they change.
import type { ObjectControls, RemoteClass, RemoteFunction, RemoteMethod, Value } from 'funcoap';

/** `const gw = await connect<Gateway>("coap://127.0.0.1")` */
export interface Gateway {
  readonly "bank": {
    /**
     * Somebody's account.
     */
    readonly "Account": RemoteClass<[owner: string, balance?: number], { readonly "owner": string; readonly "balance"?: number }, bank_Account>;
  };
  readonly "callbacks": {
    /**
     * A client that can be called: from when it is made until it leaves `calls`, or its lease ends.
     * @param replace takes the place of one of the same name and identity, as of a program that was started again
     */
    readonly "Client": RemoteClass<[name: string, functions: { readonly [name: string]: string }, replace?: boolean], { readonly "name": string; readonly "functions": { readonly [name: string]: string }; readonly "replace"?: boolean }, callbacks_Client>;
    /**
     * Calls a function of a client: what it answers.
     */
    readonly "call": RemoteFunction<[client: string, name: string, ...args: readonly (Any)[]], { readonly "client": string; readonly "name": string; readonly "args"?: readonly (Any)[] }, Value>;
    /**
     * Who is there, and what they offer.
     */
    readonly "clients": RemoteFunction<[], Readonly<Record<string, never>>, readonly ({ readonly "name": string; readonly "functions": { readonly [name: string]: string } })[]>;
  };
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
    readonly "prices": RemoteFunction<[symbol: "ACME" | "INITECH"], { readonly "symbol": "ACME" | "INITECH" }, AsyncIterable<{ readonly "price": number; readonly "symbol": string }>>;
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
    readonly "report": RemoteFunction<[place: string, celsius: number], { readonly "place": string; readonly "celsius": number }, number | bigint>;
  };
}

/** An object of bank/Account. */
export interface bank_Account extends ObjectControls<{ readonly "owner": string }> {
  /**
   * Moves something to another account.
   */
  readonly "pay": RemoteMethod<[to: bank_Account | `/o/${string}`, amount: number], { readonly "to": bank_Account | `/o/${string}`; readonly "amount": number }, number>;
  /**
   * A new account of the same owner, with a part of what is in this one.
   */
  readonly "split": RemoteMethod<[amount: number], { readonly "amount": number }, bank_Account>;
  /**
   * Puts something in.
   */
  readonly "deposit": RemoteMethod<[amount: number], { readonly "amount": number }, number>;
  /**
   * Takes something out.
   */
  readonly "withdraw": RemoteMethod<[amount: number], { readonly "amount": number }, number>;
  /**
   * Whose it is.
   */
  readonly "owner": Promise<string>;
  /**
   * What is in it.
   */
  readonly "balance": Promise<number>;
}

/** An object of callbacks/Client. */
export interface callbacks_Client extends ObjectControls<Readonly<Record<string, never>>> {
  /**
   * The same where it failed.
   */
  readonly "fail": RemoteMethod<[id: number, message: string], { readonly "id": number; readonly "message": string }, boolean>;
  /**
   * What others call, one after the other: id, function, arguments, and the identity that calls.
   */
  readonly "calls": RemoteMethod<[], Readonly<Record<string, never>>, AsyncIterable<readonly [number, string, readonly (Value)[], string]>>;
  /**
   * The result of a call; false where nobody waits for it any more.
   */
  readonly "answer": RemoteMethod<[id: number, result?: Any], { readonly "id": number; readonly "result"?: Any }, boolean>;
  readonly "name": Promise<string>;
  /**
   * What it offers: what each function does, by its name.
   */
  readonly "functions": Promise<{ readonly [name: string]: string }>;
}

/** Any value that can be sent. */
type Any = Value | object;
