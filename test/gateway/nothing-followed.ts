/** For tests of calls that are answered once. */
import { CallError } from '../../src/functions/call-error.ts';
import type { FollowedCalls } from '../../src/gateway/resources/function.ts';

const refused = (): never => {
  throw new CallError('internal-error', 'Nothing is followed here.');
};

export const nothingFollowed: FollowedCalls = { stream: refused, watch: refused };
