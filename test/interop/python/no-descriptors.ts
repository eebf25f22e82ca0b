/** Starts a Python process where there are no file descriptors left, and says what the pool is told. Run with a low `ulimit -n`. */
import { openSync } from 'node:fs';
import { startPython } from '../../../src/functions/runtimes/python/process.ts';

const folder = import.meta.dirname;
const options = {
  library: 'lib',
  folder,
  entry: `${folder}/lib.py`,
  dataFolder: folder,
  python: 'python3',
  maxHeapMebibytes: 64,
  manifest: { processes: 1, functions: {} },
  printed: () => undefined,
};
// Whatever it needs is loaded by now.
process.stdout.write('');
try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  const port = startPython(
    options,
    { describe: true, slots: 1 },
    {
      received: (messages) => process.stdout.write(JSON.stringify(messages)),
      lost: () => undefined,
    },
  );
  await port.terminate();
}
