/** P25: metadata for tools and a page for people. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { curlFor, fieldsOf, readText, requestFor, shownText, triedOf, valueOf } from '../../src/http/docs/page.js';
import { openDoors, type Doors, type OpenDoor } from './doors.ts';
import { ask, type Answered } from './gateway.ts';
import { patience } from '../patience.ts';

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
    /** A gauge in a tank. */
    export class Gauge {
      /** What it is called. */
      label: string = '';
      readonly unit: string = 'm';
      constructor(level: number) {}
      /** Reads it.
       * @safe */ read(digits: number = 0): number { return 1; }
      reset(): void {}
      set alarm(at: number) {}
    }
    export class Valve {
      label: number = 0;
      /** Opens it. */
      read(): string { return 'open'; }
    }
    /** Not safe: no stream. */
    export function* walk(): Generator<number> { yield 1; }`,
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
  readonly paths: Readonly<Record<string, Readonly<Record<'get' | 'post' | 'put' | 'delete', Operation | undefined>>>>;
}

describe('P25 OpenAPI', () => {
  test('describes every function that can be called, safe ones also by GET', async () => {
    const { json, headers } = await ask(`${door.url}/openapi.json`);
    const { openapi, paths } = json as Document;
    expect([openapi, headers['content-type']]).toEqual(['3.1.1', 'application/json']);
    expect(Object.keys(paths).filter((path) => path.startsWith('/func'))).toEqual([
      '/func/tank/litres',
      '/func/tank/empty',
      '/func/tank/Gauge',
      '/func/tank/Valve',
    ]);
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
  });
  test('describes classes, and each path below their objects once', async () => {
    const { paths } = (await ask(`${door.url}/openapi.json`)).json as Document;
    expect(paths['/func/tank/Gauge']).toMatchObject({
      post: {
        operationId: 'tank.Gauge',
        summary: 'A gauge in a tank.',
        requestBody: { required: true, content: { 'application/json': { schema: { required: ['level'] } } } },
        responses: { 201: { headers: { Location: {} } } },
      },
    });
    const methodsOf = Object.entries(paths)
      .filter(([path]) => path.startsWith('/o/'))
      .map(([path, item]) => [path, Object.keys(item).filter((key) => key !== 'parameters')]);
    expect(methodsOf).toEqual([
      ['/o/{id}', ['get', 'delete']],
      ['/o/{id}/label', ['get', 'put']],
      ['/o/{id}/unit', ['get']],
      ['/o/{id}/read', ['get', 'post']],
      ['/o/{id}/reset', ['post']],
      ['/o/{id}/alarm', ['put']],
    ]);
    expect(paths['/o/{id}/label']).toMatchObject({
      parameters: [{ name: 'id', in: 'path', required: true }],
      get: { summary: 'What it is called.', parameters: [] },
      put: {
        requestBody: {
          content: { 'application/json': { schema: { anyOf: [{ type: 'string' }, { type: 'number' }] } } },
        },
      },
    });
    expect(paths['/o/{id}/read']).toMatchObject({
      get: { operationId: 'get.tank.Gauge.read', parameters: [{ name: 'digits', required: false }] },
      post: { operationId: 'tank.Gauge.read.or.tank.Valve.read', summary: 'Reads it.\nOpens it.' },
    });
  });
  test('no two operations have the same id', async () => {
    const { paths } = (await ask(`${door.url}/openapi.json`)).json as Document;
    const ids = Object.values(paths).flatMap((item) => Object.values(item).flatMap((one) => one?.operationId ?? []));
    expect(ids.length).toBeGreaterThan(10);
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
  test('tries a path by POST, and by what else there is where there is none', async () => {
    const { paths } = (await ask(`${door.url}/openapi.json`)).json as Document;
    const tried = Object.entries(paths).flatMap(([path, item]) =>
      triedOf(item).map(([method, operation]) => [
        `${method} ${path}`,
        fieldsOf(method, operation).map(([name, , isRequired]) => (isRequired ? name : `${name}?`)),
      ]),
    );
    expect(Object.fromEntries(tried)).toEqual({
      'POST /func/tank/litres': ['level', 'shape?', 'tags?'],
      'POST /func/tank/empty': [],
      'POST /func/tank/Gauge': ['level'],
      'POST /func/tank/Valve': [],
      'GET /o/{id}': [],
      'DELETE /o/{id}': [],
      'GET /o/{id}/label': [],
      'PUT /o/{id}/label': ['value'],
      'GET /o/{id}/unit': [],
      'POST /o/{id}/read': ['digits?'],
      'POST /o/{id}/reset': [],
      'PUT /o/{id}/alarm': ['value'],
    });
  });
  test('makes an object, sets it and asks it as the gateway wants it', async () => {
    const send = async (...of: Parameters<typeof requestFor>): Promise<Answered> => {
      const { path, options } = requestFor(...of);
      return await ask(door.url + path, options);
    };
    const { status, headers } = await send('/func/tank/Gauge', { level: 1 }, '');
    const id = String(headers.location).split('/').at(-1) ?? '';
    expect(status).toBe(201);
    expect((await send('/o/{id}/label', { value: 'north' }, '', { method: 'PUT', id })).status).toBe(204);
    expect((await send('/o/{id}/label', {}, '', { method: 'GET', id })).json).toBe('north');
    expect((await send('/o/{id}', {}, '', { method: 'DELETE', id })).status).toBe(204);
  });
  test('shows the same for a terminal, quoted', () => {
    expect(curlFor('http://gw', requestFor('/f', { a: "it's" }, ''))).toBe(
      String.raw`curl -s -X POST 'http://gw/f' -H 'content-type: application/json' -d '{"a":"it'\''s"}'`,
    );
  });
  test('a body is shown as it comes, whatever pieces its letters come in; nothing is no text', async () => {
    const shown: string[] = [];
    let more: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => (more = controller) });
    const whole = readText(body, (text) => shown.push(text));
    const part = async (...bytes: readonly number[]): Promise<void> => {
      more?.enqueue(Uint8Array.from(bytes));
      await vi.waitFor(() => expect(shown.at(-1)).toMatch(/^1\n/), patience);
    };
    await part(0x31, 0x0a);
    await part(0xc3);
    await part(0xa4);
    more?.close();
    expect(await whole).toBe('1\nä');
    expect(shown).toEqual(['1\n', '1\nä']);
    expect(await readText(null, () => undefined)).toBe('');
  });
  test('JSON is shown in lines', () => expect([shownText('[1]'), shownText('x')]).toEqual(['[\n  1\n]', 'x']));
});
