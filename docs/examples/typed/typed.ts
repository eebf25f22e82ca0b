/** A program that the compiler checks against the functions of a gateway. */
import { connect } from 'funcoap';
import type { Gateway } from '../gateway.d.ts';

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');

const orders = await gw.shop.ordersOf({ customer: 7 });
for (const { item, price } of orders) console.log(item.padEnd(6), price.toFixed(2));

console.log(await gw.shop.total.help());
