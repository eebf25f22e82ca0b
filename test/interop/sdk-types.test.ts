/** `funcoap types`, and what the TypeScript compiler makes of a program that uses what it wrote. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess, root } from '../gateway/gateway-process.ts';

const source = `
/**
 * Adds. */ not the end
 * @pure
 */
export function add(a: number, b: number = 1): number { return a + b; }
/** @safe */
export function find(key: string, options?: { limit?: number; deep: boolean }): { id: number; name: string }[] {
  return [{ id: 1, name: key }];
}
/** @safe */
export function sum(...xs: number[]): number { return xs.length; }
/** @safe */
export function kinds(mode: 'a' | 'b', bytes: Uint8Array, when: Date, big: bigint): [Date, bigint] { return [when, big]; }
/** @safe */
export function nothing(): void {}
export function anything(value: unknown): unknown { return value; }
/** @safe */
export function* items(to: number): Generator<{ i: number }> { yield { i: to }; }
/** An account. */
export class Account {
  owner: string;
  readonly currency: string = 'EUR';
  constructor(owner: string, balance: number = 0) { this.owner = owner; }
  /** Puts something in. */
  deposit(amount: number): number { return amount; }
  /** What went in. @safe */
  *history(entries: number): Generator<{ at: number }> { yield { at: entries }; }
  /** Moves something. */
  move(to: Account, amount: number): Account { return to; }
}
export function largest(accounts: Account[]): Account { return accounts[0] as Account; }
`.replace('Adds. */ not the end', 'Adds.');

let gateway: GatewayProcess;
let folder: string;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: { 'typed-lib/index.ts': source } });
  folder = mkdtempSync(join(tmpdir(), 'funcoap-types-'));
  const { code, out, err } = await ran(['types', gateway.uri]);
  expect(err).toBe('');
  expect(code).toBe(0);
  writeFileSync(join(folder, 'gw.d.ts'), out);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const options = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      paths: { funcoap: [join(root, 'src', 'index.ts')] },
      typeRoots: [join(root, 'node_modules', '@types')],
      skipLibCheck: false,
      isolatedDeclarations: false,
    },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** What the compiler says of a program that has connected. */
async function compiled(body: string): Promise<string> {
  const program = `import { connect } from 'funcoap';\nimport type { Gateway } from './gw.d.ts';\nconst gw = await connect<Gateway>('coap://gw');\nconst lib = gw['typed-lib'];\n${body}\n`;
  writeFileSync(join(folder, 'program.ts'), program);
  const run = promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'],
    {
      cwd: folder,
    },
  );
  return await run.then(
    () => '',
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : ''),
  );
}

test('W4: what fits the signatures compiles, and results have their types', async () => {
  const body = `
const three: number = await lib.add(1, 2);
const two: number = await lib.add(1);
const named: number = await lib.add({ a: 1, b: 2 });
const id: number | undefined = (await lib.find('x', { deep: true })).at(0)?.id;
const total: number = await lib.sum(1, 2, 3);
const [when, big]: readonly [Date, bigint | number] = await lib.kinds('a', new Uint8Array(), new Date(), 5n);
const later: number = await lib.add.with({ fresh: true })({ a: 5 });
for await (const { i } of lib.items(3)) { const n: number = i; void n; }
for await (const { i } of await lib.items.with({ from: 2 })({ to: 3 })) { const n: number = i; void n; }
for await (const sum of lib.add.watch([1, 2])) { const n: number = sum; void n; }
const job = await lib.add.job(1, 2);
const fromJob: number = await job.result();
const again: number = await gw.$job<number>(job.uri).result();
await using account = await lib.Account('Ada', 100);
const deposited: number = await account.deposit(5);
const owner: string = await account.owner;
await account.$set('owner', 'Eve');
for await (const { at } of account.history(3)) { const n: number = at; void n; }
for await (const { at } of account.history({ entries: 3 })) { const n: number = at; void n; }
const moved: number = await (await account.move(await lib.largest([account, '/o/abcdefgh']), 5)).deposit(1);
const batched = await gw.$batch((later) => {
  const made = later['typed-lib'].Account({ owner: 'Eve' });
  const first = later['typed-lib'].add(1, 2);
  const ada = later.$object(account);
  return { made, owner: ada.owner, sum: ada.deposit(first), to: ada.move(made, first), all: [later['typed-lib'].largest([account])] };
});
const made: number = await batched.made.deposit(batched.sum);
const [largest] = batched.all;
const others: string[] = [batched.owner, await batched.to.owner, largest?.$uri ?? ''];
void [fromJob, again, deposited, owner, moved, made, others];
await lib.nothing();
await lib.anything({ any: ['thing', new Date()] });
await gw.$close();
export { three, two, named, id, total, when, big, later };`;
  expect(await compiled(body)).toBe('');
});

test('what does not fit does not compile, each line of it', async () => {
  const wrong = [
    "await lib.add('1');",
    'await lib.add();',
    'await lib.add({ a: 1, c: 2 });',
    'await lib.add({ b: 1 });',
    "await lib.kinds('c', new Uint8Array(), new Date(), 5n);",
    'await lib.nothing(1);',
    'await lib.ad(1);',
    'const text: string = await lib.add(1, 2); void text;',
    "await lib.find('x', { limit: 1 });",
    'await gw.typed.add(1);',
    'for await (const sum of lib.add(1, 2)) { void sum; }',
    "for await (const item of lib.items('3')) { void item; }",
    'for await (const { j } of lib.items(3)) { void j; }',
    "await lib.add.job('1');",
    'await lib.Account(7);',
    "await (await lib.Account('Ada')).deposit('5');",
    "await (await lib.Account('Ada')).withdraw(5);",
    "await (await lib.Account('Ada')).$set('currency', 'USD');",
    "await (await lib.Account('Ada')).$set('owner', 5);",
    'await lib.largest([5]);',
    "for await (const { to } of (await lib.Account('Ada')).history(3)) { void to; }",
    "for await (const item of (await lib.Account('Ada')).history('3')) { void item; }",
    "const list: { at: number }[] = await (await lib.Account('Ada')).history(3); void list;",
    "await gw.$batch((later) => [later['typed-lib'].items(3)]);",
    "await gw.$batch((later) => [later['typed-lib'].Account(7)]);",
    "await gw.$batch((later) => [later['typed-lib'].Account('Ada').deposit(5)]);",
    "const a = await lib.Account('Ada'); await gw.$batch((later) => [later.$object(a).deposit('5')]);",
    "const b = await lib.Account('Ada'); await gw.$batch((later) => [later.$object(b).withdraw(5)]);",
    "const c = await lib.Account('Ada'); const { d }: { d: string } = await gw.$batch((later) => ({ d: later.$object(c).deposit(5) })); void d;",
    "await gw.$batch((later) => [later.$object('/o/abcdefgh').deposit(5)]);",
  ];
  const said = await compiled(wrong.join('\n'));
  const lines = new Set([...said.matchAll(/^program\.ts[(:](\d+),/gm)].map(([, line]) => Number(line) - 5));
  expect([...lines].toSorted((a, b) => a - b)).toEqual(wrong.map((_, at) => at));
});
