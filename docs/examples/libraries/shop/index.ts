/** Who bought what: the library of the examples on batches, errors and types. */
import { invalidArgument } from 'funcoap/library';

interface Order {
  item: string;
  price: number;
}

const customers = [
  { id: 7, name: 'Ada' },
  { id: 9, name: 'Grace' },
];

const orders = [
  { customer: 7, item: 'lamp', price: 40 },
  { customer: 9, item: 'desk', price: 250 },
  { customer: 7, item: 'chair', price: 85 },
];

/**
 * The customer of this name.
 * @safe
 */
export function customer(name: string): { id: number; name: string } {
  const found = customers.find((one) => one.name === name);
  if (found === undefined) throw invalidArgument(`Nobody here is called ${name}.`, 'name');
  return found;
}

/**
 * What a customer has bought.
 * @safe
 * @param customer their number
 */
export function ordersOf(customer: number): Order[] {
  return orders.filter((order) => order.customer === customer).map(({ item, price }) => ({ item, price }));
}

/**
 * What orders cost together.
 * @safe
 */
export function total(orders: Order[]): number {
  return orders.reduce((sum, { price }) => sum + price, 0);
}

/** Buys something, of which there is never enough. */
export function buy(item: string): string {
  throw new OutOfStock(`There is no ${item} left.`);
}

class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
}
