/** Which ids peers have for the objects of a thread. */
import { expect, test } from 'vitest';
import { ObjectIds } from '../../../../src/functions/runtimes/node/object-ids.ts';

const object = { name: 'account' };

test('an identity has one id for an object, another identity another', () => {
  const ids = new ObjectIds();
  const ann = ids.give(object, 'ann');
  const bob = ids.give(object, 'bob');
  expect(ann).toEqual({ id: expect.stringMatching(/^[\w-]{8}$/) as string, times: 1 });
  expect(ids.give(object, 'ann')).toEqual({ id: ann.id, times: 2 });
  expect([bob.times, bob.id === ann.id]).toEqual([1, false]);
  expect(ids.give({ name: 'other' }, 'ann').id).not.toBe(ann.id);
  expect([ids.object(ann.id), ids.object(bob.id), ids.object('AAAAAAAA')]).toEqual([object, object, undefined]);
});

test('an object is given up by the last who has it', () => {
  const ids = new ObjectIds();
  const ann = ids.give(object, 'ann');
  const bob = ids.give(object, 'bob');
  expect(ids.remove(ann.id, 1)).toBeUndefined();
  expect([ids.object(ann.id), ids.object(bob.id)]).toEqual([undefined, object]);
  expect(ids.remove(bob.id, 1)).toBe(object);
  expect(ids.give(object, 'ann').id).not.toBe(ann.id);
});

test('an id that was given once more than who lets go of it knows stays', () => {
  const ids = new ObjectIds();
  const { id } = ids.give(object, 'ann');
  ids.give(object, 'ann');
  expect(ids.remove(id, 1)).toBeUndefined();
  expect(ids.object(id)).toBe(object);
  expect(ids.remove(id, 2)).toBe(object);
});

test('an id that did not reach its identity was not given', () => {
  const ids = new ObjectIds();
  const { id } = ids.give(object, 'ann');
  ids.give(object, 'ann');
  ids.takeBack(id);
  expect(ids.object(id)).toBe(object);
  ids.takeBack(id);
  expect(ids.object(id)).toBeUndefined();
  expect(ids.give(object, 'ann')).toMatchObject({ times: 1 });
});

test('an object that a constructor gave twice is given up with its second id', () => {
  const ids = new ObjectIds();
  ids.add('first---', object, 'ann');
  ids.add('second--', object, 'ann');
  expect(ids.remove('first---', 1)).toBeUndefined();
  expect(ids.give(object, 'ann')).toEqual({ id: 'second--', times: 2 });
  expect(ids.remove('second--', 2)).toBe(object);
});
