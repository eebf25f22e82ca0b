/** A meter whose functions others call: each call is an item of a stream, and is answered by a method. */
import { connect } from 'funcoap';

/** What this program uses. */
interface Gateway {
  readonly callbacks: { Client(name: string, functions: Record<string, string>, replace: boolean): Promise<Client> };
}
interface Client {
  calls(): AsyncIterable<readonly [id: number, name: keyof typeof functions, args: readonly [number]]>;
  answer(id: number, result: unknown): Promise<boolean>;
  fail(id: number, message: string): Promise<boolean>;
}

const functions = {
  read: (_digits = 1): number => 12.5,
  close: (valve: number): never => {
    throw new RangeError(`There is no valve ${valve}.`);
  },
};

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');
const meter = await gw.callbacks.Client('meter-7', { read: 'Cubic metres so far.', close: 'Closes a valve.' }, true);

for await (const [id, name, args] of meter.calls()) {
  try {
    await meter.answer(id, functions[name](...args));
  } catch (error) {
    await meter.fail(id, String(error));
  }
}
