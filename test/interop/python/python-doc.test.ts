/** docs/python.md tells the truth: its library is loaded, its calls made, its tables tried out. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeRepresentation } from '../../../src/cbor/representation.ts';
import { textOf } from '../../../src/core/bytes.ts';
import type { Value } from '../../../src/core/value.ts';
import { bind, type ArgumentInput } from '../../../src/functions/binding.ts';
import { CallError } from '../../../src/functions/call-error.ts';
import { answeredLines, statedRequests } from '../../gateway/stated-requests.ts';
import { codecs } from '../pages/python.ts';
import { pythonGateway } from './object-bench.ts';
import { missingPython, pythonFolder, type PythonFolder } from './python-folder.ts';

const page = readFileSync(new URL('../../../docs/python.md', import.meta.url), 'utf8');
const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const blocks = (kind: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

/** The rows below a table's head; the first cell without its backticks. */
function rowsBelow(head: string): readonly (readonly [string, string])[] {
  const [, below = ''] = page.split(`| ${head} |\n|---|---|\n`);
  return (
    below
      .split('\n\n', 1)[0]
      ?.trim()
      .split('\n')
      .map((row): readonly [string, string] => {
        const [, code = '', told = ''] = /^\| `(.*?)` \| (.*) \|$/.exec(row) ?? [];
        return [code, told];
      }) ?? []
  );
}

const asJson = (value: Value): string =>
  value === undefined ? 'nothing' : (textOf(encodeRepresentation(value, contentFormat.json)) ?? 'not UTF-8');
const spelled = (stated: string): string => (stated === 'nothing' ? stated : JSON.stringify(JSON.parse(stated)));

async function outcome(folder: PythonFolder, call: string): Promise<string> {
  const [, library = '', method = '', query, body] = /^(\w+)\/(\w+)(?:\?(\S+)| (\S.*))?$/.exec(call) ?? [];
  const input: ArgumentInput =
    query !== undefined
      ? { kind: 'query', items: query.split('&') }
      : body === undefined
        ? { kind: 'none' }
        : { kind: 'body', value: JSON.parse(body) as Value };
  try {
    return asJson(await folder.value(library, method, ...bind(folder.registry.find(library, method), input)));
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const { status } = error.problem;
    return `${status >> 5}.${String(status & 31).padStart(2, '0')} ${error.code} ${error.message}`;
  }
}

describe('docs/python.md', () => {
  test('its calls have the results that stand next to them', async () => {
    const [source = ''] = blocks('py');
    const folder = await pythonFolder({ 'depot/depot.py': source });
    const stated = blocks('calls')
      .flatMap((block) => block.trim().split('\n'))
      .map((line) => line.split(' → '));
    expect(stated.length).toBeGreaterThan(10);
    for (const [call = '', result = ''] of stated) {
      const got = await outcome(folder, call);
      if (/^\d\.\d\d /.test(result)) expect([call, got.slice(0, result.length)]).toEqual([call, result]);
      else expect([call, got]).toEqual([call, spelled(result)]);
    }
  });

  test('its objects answer what stands next to them', async () => {
    const [, source = ''] = blocks('py');
    const lines = statedRequests(page);
    expect(lines.length).toBeGreaterThan(5);
    const gateway = await pythonGateway({ 'bank/bank.py': source });
    onTestFinished(() => gateway.close());
    expect(await answeredLines(lines, gateway.coap)).toEqual(lines);
  });

  const imports = `
import datetime, decimal, dataclasses, enum, io, pathlib, sqlite3, uuid
from typing import *
class Colour(enum.Enum):
    RED = 'red'
    BLUE = 'blue'
@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
`;

  test.each(codecs)('%s results look like that as JSON, and hints are checked as that', async (_, python) => {
    const results = rowsBelow('returned | as JSON');
    const hints = rowsBelow('hint | checked as');
    expect([results.length > 15, hints.length > 15]).toEqual([true, true]);
    const folder = await pythonFolder(
      {
        'results/results.py': `${imports}${results.map(([code], i) => `def f${i}(): return ${code}\n`).join('')}`,
        'hints/hints.py': `${imports}${hints.map(([hint], i) => `def f${i}(a: ${hint}): pass\n`).join('')}`,
      },
      {},
      { python },
    );
    for (const [i, [code, json]] of results.entries())
      expect([code, asJson(await folder.value('results', `f${i}`))]).toEqual([code, spelled(json)]);
    expect(hints.map(([hint], i) => [hint, folder.registry.find('hints', `f${i}`).parameters[0]?.type.kind])).toEqual(
      hints,
    );
  });

  test('mistakes are told in these words', async () => {
    const rows = rowsBelow('written in `lib.py` | told');
    expect(rows.length).toBeGreaterThan(3);
    for (const [source, told] of rows) {
      const folder = await pythonFolder({ 'lib/lib.py': `${source}\n` });
      expect([source, folder.registry.libraries()[0]?.error]).toEqual([source, told]);
    }
  });

  test('its manifest is one', async () => {
    const [manifest = ''] = blocks('json');
    const folder = await pythonFolder({
      'lib/lib.py': 'def list(): return 1\ndef names(): return 2\n',
      'lib/funcoap.json': manifest,
    });
    expect(folder.registry.find('lib', 'list')).toMatchObject({ pure: true, maxAge: 60_000 });
    expect(folder.registry.find('lib', 'names')).toMatchObject({ safe: true, timeLimit: 2000 });
  });
});
