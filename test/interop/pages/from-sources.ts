/** For `node --import`: a program that imports `funcoap` gets the sources of this checkout, without a build. */
import { registerHooks } from 'node:module';

const entry = new URL('../../../src/index.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'funcoap' ? { url: entry, shortCircuit: true } : next(specifier, context),
});
