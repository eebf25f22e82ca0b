/** What can go wrong, and how a program tells one from the other. */
import { ArgumentError, connect, RemoteError, RequestError, seconds } from 'funcoap';
import type { Gateway } from '../gateway.d.ts';

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');

const calls: readonly (() => Promise<unknown>)[] = [
  // @ts-expect-error The types know it too: a name is text.
  () => gw.shop.customer(7),
  () => gw.shop.customer('Bob'),
  () => gw.shop.buy('lamp'),
  () => connect('coap://127.0.0.1:9', { timeout: seconds(5) }),
];

for (const call of calls) {
  try {
    await call();
  } catch (error) {
    if (error instanceof ArgumentError) {
      console.log(`not sent: ${error.code}, ${error.message}`);
    } else if (error instanceof RemoteError && error.thrown !== undefined) {
      console.log(`thrown there: ${error.status} ${error.thrown.name}, ${error.thrown.message}`);
    } else if (error instanceof RemoteError) {
      console.log(`refused there: ${error.status} ${error.code}, ${error.message}`);
    } else if (error instanceof RequestError) {
      console.log(`no answer: ${error.code}`);
    } else throw error;
  }
}
