/** A Python that can run src/client/python. */
import { execFileSync } from 'node:child_process';

/** One that has cbor2: Debian's, where another one comes first. */
export const pythonWithCbor2: string | undefined = ['python3', '/usr/bin/python3'].find((command) => {
  try {
    execFileSync(command, ['-c', 'import sys, cbor2; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
