/** What users of edu-rpc can do, row by row: `[method, ...args]` gives one value, a wrong call gives an error, the server goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Connection, type RemoteFunction } from '../../src/index.ts';
import { linesOf, ran } from '../cli/terminal.ts';
import { post, startGateway, type TestGateway } from '../http/gateway.ts';

interface Calculator {
  readonly math: Readonly<Record<'add' | 'sub' | 'multiply' | 'quotient' | 'remainder' | 'power', RemoteFunction>>;
}

let gateway: TestGateway;
let gw: Connection<Calculator>;
beforeAll(async () => {
  gateway = await startGateway({ libraries: 'shipped' });
  gw = await connect<Calculator>(gateway.coap);
});
afterAll(async () => {
  await gw.$close();
  await gateway.close();
});

test('E1-2: arguments are given by position, and one value comes back', async () => {
  expect(await gw.math.sub(50, 20)).toBe(30);
  expect((await post(`${gateway.url}/func/math/sub`, [50, 20])).json).toBe(30);
});

test.each([
  ['add', 13],
  ['sub', 7],
  ['multiply', 30],
  ['quotient', 10 / 3],
  ['remainder', 1],
] as const)('E3: %s is served under that name', async (name, result) => {
  expect(await gw.math[name](10, 3)).toBe(result);
});

test('E4: what goes wrong is told, and the next call is answered', async () => {
  await expect(gw.math.power(2, 3)).rejects.toMatchObject({ code: 'no-such-method' });
  await expect(gw.math.quotient(1, 0)).rejects.toMatchObject({
    status: '4.22',
    code: 'invalid-argument',
    message: 'b must not be 0: nothing can be divided by it.',
  });
  await expect(gw.math.remainder(1, 0)).rejects.toMatchObject({ code: 'invalid-argument' });
  expect(await gw.math.quotient(1, 4)).toBe(0.25);
});

test('E5: what is not exported is not callable', async () => {
  for (const name of ['divisor', 'arithmetic', 'constructor', 'toString', '__proto__', 'fn'])
    expect(await post(`${gateway.url}/func/math/${name}`, [1, 2])).toMatchObject({ status: 404 });
  expect(await gw.$functions('math')).toEqual(['add', 'multiply', 'quotient', 'remainder', 'sub']);
});

test('E6: by a call of a program, a command, and a shell that checks what is typed', async () => {
  expect(await gw.math.add(10, 5)).toBe(15);
  expect(await ran(['call', `${gateway.coap}/func/math/add`, 'a=10', 'b=5'])).toMatchObject({ code: 0, out: '15\n' });
  const lines = linesOf(['math/add 10', 'math/add 10 five', 'math/add 10 5']);
  const { out, err } = await ran(['shell', gateway.coap], { isInTerminal: true, openLines: () => lines });
  expect(out).toBe('15\n');
  expect(err).toContain('math/add needs b (number)');
  expect(err).toContain('b must be a number');
});
