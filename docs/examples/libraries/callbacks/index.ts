/** Functions that clients have, and that others call: the library of the example on callbacks. */
import { context, invalidArgument } from 'funcoap/library';

/** A thread holds 64 calls, and the answers that these wait for need room there too. */
const most = { waiting: 32, waitingOfClient: 8, name: 64, functions: 2000 };

const there = new Map<string, Client>();
let waiting = 0;
let lastId = 0;

/** A client that can be called: from when it is made until it leaves `calls`, or its lease ends. */
export class Client {
  readonly name: string;
  /** What it offers: what each function does, by its name. */
  readonly functions: Record<string, string>;
  readonly #identity = context().identity;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #undelivered: [id: number, name: string, args: unknown[], caller: string][] = [];
  #reader: AbortSignal | undefined;
  #wake = (): void => undefined;

  /** @param replace takes the place of one of the same name and identity, as of a program that was started again */
  constructor(name: string, functions: Record<string, string>, replace: boolean = false) {
    if (name.length > most.name || JSON.stringify(functions).length > most.functions)
      throw invalidArgument('The name or what is said of the functions is too long.', 'functions');
    const before = there.get(name);
    if (before !== undefined && !(replace && before.#identity === this.#identity))
      throw invalidArgument(
        `A client ${name} is there already; take another name, or replace it if it is yours.`,
        'name',
      );
    before?.[Symbol.dispose]();
    this.name = name;
    this.functions = functions;
    there.set(name, this);
  }

  /**
   * What others call, one after the other: id, function, arguments, and the identity that calls.
   * @safe
   */
  async *calls(): AsyncGenerator<[id: number, name: string, args: unknown[], caller: string]> {
    if (there.get(this.name) !== this) throw new Error(`${this.name} is not registered any more; make another Client.`);
    const { signal } = context();
    // Who reads last is the client, as after a connection that was lost: whoever read before hears no more.
    this.#reader = signal;
    this.#wake();
    signal.addEventListener('abort', () => this.#reader === signal && this[Symbol.dispose]());
    while (this.#reader === signal) {
      const next = this.#undelivered.shift();
      if (next !== undefined) yield next;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** The result of a call; false where nobody waits for it any more. */
  answer(id: number, result?: unknown): boolean {
    const call = this.#waiting.get(id);
    call?.resolve(result);
    return this.#waiting.delete(id);
  }

  /** The same where it failed. */
  fail(id: number, message: string): boolean {
    this.#waiting.get(id)?.reject(new Failed(message));
    return this.#waiting.delete(id);
  }

  /** Nobody reads `calls` any more, or the object ends. */
  [Symbol.dispose](): void {
    if (there.get(this.name) === this) there.delete(this.name);
    this.#reader = undefined;
    this.#wake();
    for (const id of this.#waiting.keys())
      this.fail(id, `${this.name} has left; it may have carried out the call or not.`);
  }

  /** For functions of this library; no caller sees what begins with `_`. */
  async _call(name: string, args: unknown[]): Promise<unknown> {
    if (!Object.hasOwn(this.functions, name)) throw invalidArgument(`${this.name} has no function ${name}.`, 'name');
    if (waiting >= most.waiting || this.#waiting.size >= most.waitingOfClient)
      throw invalidArgument(`Too many calls wait for ${this.name}, or for all clients; come back later.`, 'client');
    const { identity, signal } = context();
    const id = ++lastId;
    const answered = Promise.withResolvers<unknown>();
    signal.addEventListener('abort', () => this.fail(id, 'Nobody waits for it any more.'));
    waiting++;
    this.#waiting.set(id, answered);
    this.#undelivered.push([id, name, args, identity]);
    this.#wake();
    try {
      return await answered.promise;
    } finally {
      waiting--;
      // What was given up before it was delivered is not delivered.
      this.#undelivered = this.#undelivered.filter(([other]) => other !== id);
    }
  }
}

/** Calls a function of a client: what it answers. */
export async function call(client: string, name: string, ...args: unknown[]): Promise<unknown> {
  const found = there.get(client);
  if (found === undefined) throw invalidArgument(`No client ${client} is there.`, 'client');
  return await found._call(name, args);
}

/**
 * Who is there, and what they offer.
 * @safe
 */
export function clients(): { name: string; functions: Record<string, string> }[] {
  return [...there.values()].map(({ name, functions }) => ({ name, functions }));
}

class Failed extends Error {
  override readonly name = 'Failed';
}
