/** Calls that want no answer: each is one datagram, and the program goes on at once. */
import { setTimeout as passed } from 'node:timers/promises';
import { connect } from 'funcoap';
import type { Gateway } from '../gateway.d.ts';

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');

const tell = gw.journal.write.with({ oneway: true });
for (const line of ['pump on', 'level 0.3', 'pump off']) await tell(line);

// Nobody says when they have arrived; on one machine that is soon.
await passed(500);
console.log(await gw.journal.read());
