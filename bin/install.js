// Compiles the native UDP transport where there is a C compiler. Nothing depends on it: an installation never fails
// for it, and the first start tries again (docs/decisions/0004-native-batch-transport.md).
import { existsSync } from 'node:fs';

try {
  const compile = existsSync(new URL('../src/cli', import.meta.url))
    ? () => import('../src/transport/native/compile.ts')
    : () => import('../dist/transport/native/compile.js');
  await (await compile()).findAddon();
} catch {
  // An older Node, or a checkout without its dependencies.
}
