/** Prices until one is high enough. */
import { connect } from 'funcoap';

/** What this program uses. */
interface Gateway {
  readonly ticker: { prices(symbol: string): AsyncIterable<{ readonly symbol: string; readonly price: number }> };
}

await using gw = await connect<Gateway>(process.argv[2] ?? 'coap://127.0.0.1');

for await (const { symbol, price } of gw.ticker.prices('ACME')) {
  console.log(symbol, price);
  if (price >= 108) break;
}
