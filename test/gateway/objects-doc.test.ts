/** docs/objects.md tells the truth: its libraries are loaded, and its requests answered as stands next to them. */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../http/gateway.ts';
import { answeredLines, statedRequests } from './stated-requests.ts';

const page = readFileSync(new URL('../../docs/objects.md', import.meta.url), 'utf8');

/** What belongs into one file stands in several blocks. */
function librariesOf(): Readonly<Record<string, string>> {
  const files = new Map<string, string>();
  for (const [, path = '', text = ''] of page.matchAll(/^```ts\n\/\/ libraries\/([\w/.]+).*\n([^]*?)^```/gm))
    files.set(path, `${files.get(path) ?? ''}${text}`);
  return Object.fromEntries(files);
}

test(
  'docs/objects.md has requests that are answered so, and no code that is not tried',
  { timeout: 20_000 },
  async () => {
    const libraries = librariesOf();
    const lines = statedRequests(page);
    expect(lines.length).toBeGreaterThan(15);
    expect(Object.keys(libraries)).toEqual(['bank/index.ts', 'till/index.ts']);
    // The lines of a shell are run by test/interop/pages.test.ts.
    expect(page.match(/^```(?!sh$)\w+/gm)?.length).toBe(
      (page.match(/^```ts\n\/\/ libraries\//gm)?.length ?? 0) + (page.match(/^```objects$/gm)?.length ?? 0),
    );
    const gateway = await startGateway({ libraries });
    onTestFinished(() => gateway.close());
    expect(await answeredLines(lines, gateway.coap)).toEqual(lines);
  },
);
