// Compiles the native UDP transport where there is a C compiler. Nothing depends on it: an installation never fails
// for it, and the first start tries again (docs/decisions/0004-native-batch-transport.md).
import { existsSync } from 'node:fs';

try {
  await (existsSync(new URL('../src/cli', import.meta.url))
    ? import('../src/cli/install.ts')
    : import('../dist/cli/install.js'));
} catch {
  // An older Node, or a checkout without its dependencies.
}
