import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/funcoap.js', import.meta.url));

/** funcoap under a Node that says it is another version. */
function under(version: string): { status: number | null; out: string; err: string } {
  const disguise = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const ended = spawnSync(process.execPath, ['--import', `data:text/javascript,${disguise}`, bin, '--version'], {
    encoding: 'utf8',
  });
  return { status: ended.status, out: ended.stdout, err: ended.stderr };
}

test.each(['18.0.0', '20.20.2', '22.17.1', '23.11.0', '24.10.0'])('Node %s is refused in one sentence', (version) => {
  expect(under(version)).toEqual({
    status: 1,
    out: '',
    err: `funcoap needs Node ^22.18.0 or >=24.11.0; this is Node ${version}.\n`,
  });
});

test.each(['22.18.0', '22.30.1', '24.11.0', '24.21.0', '25.0.0', '26.1.0'])('Node %s runs', (version) => {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(under(version)).toEqual({ status: 0, out: `${own}\n`, err: '' });
});
