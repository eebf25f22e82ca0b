/** node test/interop/plugtest/main.ts [--port 5683] [--listen 127.0.0.1]: the plugtest server until Ctrl-C. */
import { parseArgs } from 'node:util';
import { FuncoapError } from '../../../src/core/error.ts';
import { defaultPlugtestServerOptions, openPlugtestServer } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: String(defaultPlugtestServerOptions.port) },
    listen: { type: 'string', multiple: true, default: [...defaultPlugtestServerOptions.listen] },
  },
});

try {
  const server = await openPlugtestServer({ port: Number(values.port), listen: values.listen });
  for (const { address, port } of server.addresses) {
    process.stdout.write(`plugtest server on coap://${address.includes(':') ? `[${address}]` : address}:${port}\n`);
  }
  const stop = (): void => void server.close().then(() => process.exit(0));
  process.once('SIGINT', stop).once('SIGTERM', stop);
} catch (error) {
  if (!(error instanceof FuncoapError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
