/** Run by bin/install.js: compiles the native UDP transport where that can be done. */
import { findAddon } from '../transport/native/compile.ts';

await findAddon();
