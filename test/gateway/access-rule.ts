/** An access rule that says nothing but what a test is about. */
import type { AccessRule } from '../../src/gateway/access-rules.ts';

export const ruleOf = (more: Partial<AccessRule>): AccessRule => ({
  identity: undefined,
  group: undefined,
  functions: [],
  resources: [],
  rate: undefined,
  link: {},
  ...more,
});
