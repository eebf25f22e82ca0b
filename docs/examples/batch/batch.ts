/** Three calls in one request: a later one uses what an earlier one gave. */
import { connect } from 'funcoap';
import type { Gateway } from '../gateway.d.ts';

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');

const { who, spent } = await gw.$batch((later) => {
  const customer = later.shop.customer('Ada');
  const orders = later.shop.ordersOf(customer.id);
  return { who: customer.name, spent: later.shop.total(orders) };
});

console.log(`${who} has spent ${spent}.`);
