import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SecretSeal } from '../../../src/store/secret-seal.ts';
import { TicketKeyFiles } from '../../../src/store/associations/ticket-key-files.ts';

let folder: string;
let faults: unknown[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-tickets-'));
  faults = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const key = (value: number): Uint8Array => new Uint8Array(16).fill(value);
const open = (seal = 1): TicketKeyFiles =>
  new TicketKeyFiles(join(folder, 'kept'), new SecretSeal(new Uint8Array(32).fill(seal)), (error) =>
    faults.push(error),
  );

test('the first process makes the key of a period, and all others have the same, then and later', () => {
  expect(open().find(7)).toBeUndefined();
  expect(open().keep(7, key(1))).toEqual(key(1));
  expect(open().keep(7, key(2))).toEqual(key(1));
  expect(open().find(7)).toEqual(key(1));
  for (const name of readdirSync(join(folder, 'kept')))
    expect(statSync(join(folder, 'kept', name)).mode & 0o077).toBe(0);
});

test('keys are few, however often they change', () => {
  for (let period = 0; period < 100; period++) open().keep(period, key(period));
  expect(readdirSync(join(folder, 'kept')).toSorted()).toEqual(['ticket-key.97', 'ticket-key.98', 'ticket-key.99']);
});

test('a key of another key file, or damaged, is none, and another one takes its place', () => {
  open().keep(7, key(1));
  expect(open(2).find(7)).toBeUndefined();
  expect(open(2).keep(7, key(2))).toEqual(key(2));
  writeFileSync(join(folder, 'kept', 'ticket-key.7'), 'nothing');
  expect(open(2).keep(7, key(3))).toEqual(key(3));
  expect(open(2).find(7)).toEqual(key(3));
});

test('where a key cannot be kept it is used all the same, and that is said', () => {
  writeFileSync(join(folder, 'kept'), 'no folder');
  expect(open().keep(7, key(1))).toEqual(key(1));
  expect(faults).toHaveLength(1);
});
