/** `funcoap shell` on a terminal, and behind a pipe: as a process. The terminal is made by script(1). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GatewayProcess, root } from '../gateway/gateway-process.ts';

let gateway: GatewayProcess;
let home: string;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: 'shipped' });
  home = mkdtempSync(join(tmpdir(), 'funcoap-shell-'));
});
afterAll(async () => {
  await gateway.stop();
  rmSync(home, { recursive: true });
});

const program = join(root, 'bin', 'funcoap.js');

interface Typed {
  /** Written once this has been printed. */
  readonly after: string;
  readonly keys: string;
}

async function run(command: string, args: readonly string[], typed: readonly Typed[]): Promise<string> {
  const environment = { ...process.env, XDG_STATE_HOME: home, NO_COLOR: '1', TERM: 'xterm' };
  const child = spawn(command, args, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  let seen = 0;
  const left = [...typed];
  const type = (): void => {
    for (let next = left[0]; next !== undefined; next = left[0]) {
      const at = out.indexOf(next.after, seen);
      if (at < 0) return;
      seen = at + next.after.length;
      left.shift();
      child.stdin.write(next.keys);
    }
    if (command === process.execPath) child.stdin.end();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    type();
  });
  type();
  // A terminal that waits for ever shows what it had so far.
  const giveUp = setTimeout(() => child.kill(), 20_000);
  await once(child, 'close');
  clearTimeout(giveUp);
  return out;
}

test('E6: on a terminal lines are completed, kept for the next time, and Ctrl-D ends it', async () => {
  const shell = ['-qec', `${process.execPath} ${program} shell ${gateway.uri}`, '/dev/null'];
  const prompt = '> ';
  const out = await run('script', shell, [
    { after: prompt, keys: 'math/ad\t' },
    { after: 'math/add', keys: ' 10 20\r' },
    { after: '30', keys: '' },
    { after: prompt, keys: ' math/add 1 1\r' },
    { after: '2', keys: '' },
    { after: prompt, keys: '\u0004' },
  ]);
  expect(out).toContain('\n30\r\n');
  const file = join(home, 'funcoap', 'history');
  expect(readFileSync(file, 'utf8')).toBe('math/add 10 20\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('E6: behind a pipe each line is called', async () => {
  const out = await run(
    process.execPath,
    [program, 'shell', gateway.uri],
    [{ after: '', keys: 'math/add 10 20\nmath/quotient 1 4\n' }],
  );
  expect(out).toBe('30\n0.25\n');
});
