/** Pythons by what is installed beside them. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One that has cbor2, as src/client/python needs it: Debian's, where another one comes first. */
export const pythonWithCbor2: string | undefined = ['python3', '/usr/bin/python3'].find((command) => {
  try {
    execFileSync(command, ['-c', 'import sys, cbor2; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

/** Interpreters by the CBOR that their processes speak (codec.py): values are the same in both. */
export const codecs: readonly (readonly [codec: string, python: string])[] = [
  ['in CBOR of its own', fileURLToPath(new URL('../python/python3-alone', import.meta.url))],
  ...(pythonWithCbor2 === undefined ? [] : [['by cbor2', pythonWithCbor2] as const]),
];
