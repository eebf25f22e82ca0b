import { bind } from '../../../src/functions/binding.ts';
import { add } from './call.ts';
import type { Step } from './measure.ts';

export const bindingSteps = (): Step[] => [
  { name: 'bind arguments by position', run: () => bind(add, { kind: 'body', value: [10, 20] }) },
  { name: 'bind arguments by name', run: () => bind(add, { kind: 'body', value: { a: 10, b: 20 } }) },
  { name: 'bind arguments of a query', run: () => bind(add, { kind: 'query', items: ['a=10', 'b=20'] }) },
];
