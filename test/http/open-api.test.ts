/** P25: metadata for tools and a page for people. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { curlFor, requestFor, shownText, valueOf } from '../../src/http/docs/page.js';
import { openDoors, type Doors, type OpenDoor } from './doors.ts';
import { ask } from './gateway.ts';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 60_000 });

const libraries = {
  'tank/index.ts': `/** Tanks. */
    /**
     * Litres in a tank.
     * @pure
     * @param level in metres
     */
    export function litres(level: number, shape: 'round' | 'square' = 'round', tags: string[] = []): number { return level; }
    /** Empties it. */
    export function empty(): void {}
    export class NotCallable {}`,
};

let doors: Doors;
let door: OpenDoor;
beforeAll(async () => {
  doors = await openDoors(libraries);
  door = await doors.open({});
});
afterAll(async () => {
  await door.close();
  await doors.close();
});

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<'get' | 'post', Operation | undefined>>>>;
}

describe('P25 OpenAPI', () => {
  test('describes every function that can be called, safe ones also by GET', async () => {
    const { json, headers } = await ask(`${door.url}/openapi.json`);
    const { openapi, paths } = json as Document;
    expect([openapi, headers['content-type']]).toEqual(['3.1.1', 'application/json']);
    expect(Object.keys(paths)).toEqual(['/func/tank/litres', '/func/tank/empty']);
    const litres = paths['/func/tank/litres'];
    expect(litres?.post?.requestBody?.content['application/json']?.schema).toMatchObject({
      type: 'object',
      properties: {
        level: { type: 'number', description: 'in metres' },
        shape: { anyOf: [{ const: 'round' }, { const: 'square' }], default: 'round' },
      },
      required: ['level'],
      additionalProperties: false,
    });
    expect(litres?.get?.parameters?.map(({ name, required }) => [name, required])).toEqual([
      ['level', true],
      ['shape', false],
      ['tags', false],
    ]);
    expect(paths['/func/tank/empty']?.get).toBeUndefined();
    const ids = Object.values(paths).flatMap((item) => Object.values(item).map((one) => one?.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });
  test('what it says is what is taken', async () => {
    const answer = await ask(`${door.url}/func/tank/litres?level=3&shape=square&tags=a&tags=b`);
    expect(answer.json).toBe(3);
  });
  test('is told anew only where it has changed', async () => {
    const { headers } = await ask(`${door.url}/openapi.json`);
    expect((await ask(`${door.url}/openapi.json`, { headers: { 'if-none-match': headers.etag ?? '' } })).status).toBe(
      304,
    );
  });
});

describe('P25 the page', () => {
  test('comes from here alone, and nothing else is let in', async () => {
    for (const [path, type] of [
      ['/docs', 'text/html; charset=utf-8'],
      ['/docs/page.js', 'text/javascript; charset=utf-8'],
      ['/docs/page.css', 'text/css; charset=utf-8'],
    ] as const) {
      const { status, headers, text } = await ask(door.url + path);
      expect([path, status, headers['content-type'], headers['x-content-type-options']]).toEqual([
        path,
        200,
        type,
        'nosniff',
      ]);
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; .*frame-ancestors 'none'$/,
      );
      // Nothing inline, which the policy would refuse, and nothing of others.
      expect(text).not.toMatch(/https?:\/\/|<style|<script>|\son\w+=|style=|innerHTML|eval\(/);
    }
  });
  test('is what the bare address leads to', async () => {
    const { status, headers } = await ask(`${door.url}/`);
    expect([status, headers.location]).toEqual([303, '/docs']);
  });
  test('names files that are there', () => {
    const page = readFileSync(new URL('../../src/http/docs/page.html', import.meta.url), 'utf8');
    const named = [...page.matchAll(/(?:href|src)="(\/docs\/[^"]+)"/g)].map((match) => match[1]);
    expect(named).toEqual(['/docs/page.css', '/docs/page.js']);
  });
  test.each([
    ['10', { type: 'number' }, 10],
    ['x', { type: 'number' }, 'x'],
    ['10', { type: 'string' }, '10'],
    ['round', { anyOf: [{ const: 'round' }, { type: 'string' }] }, 'round'],
    ['5', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, 5],
    ['[1,2]', { type: 'array' }, [1, 2]],
    ['{"a":1}', {}, { a: 1 }],
    ['true', { type: 'boolean' }, true],
    ['', { type: 'string' }, undefined],
  ])('%j typed for %j is %j', (text, schema, value) => expect(valueOf(text, schema)).toEqual(value));
  test('sends what the gateway takes, with the token', async () => {
    const request = requestFor('/func/tank/litres', { level: 4, shape: undefined }, '');
    const { method, headers, body } = request.options;
    expect((await ask(door.url + request.path, { method, headers, body: body ?? '' })).json).toBe(4);
    expect(requestFor('/x', {}, 't')).toEqual({
      path: '/x',
      options: { method: 'POST', headers: { authorization: 'Bearer t' } },
    });
  });
  test('shows the same for a terminal, quoted', () => {
    expect(curlFor('http://gw', requestFor('/f', { a: "it's" }, ''))).toBe(
      String.raw`curl -s -X POST 'http://gw/f' -H 'content-type: application/json' -d '{"a":"it'\''s"}'`,
    );
  });
  test('JSON is shown in lines', () => expect([shownText('[1]'), shownText('x')]).toEqual(['[\n  1\n]', 'x']));
});
