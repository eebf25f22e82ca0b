/** Where bin/funcoap.js leads: runs the command line of this process. */
import { run } from './program.ts';
import { systemTerminal } from './terminal.ts';

// `funcoap ls | head` closes the output early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), systemTerminal);
