/** Run by inline-functions.test.ts with the real module loader: `node inline.ts FOLDER`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../../../src/core/duration.ts';
import type { CallResult } from '../../../src/functions/call.ts';
import { problems } from '../../../src/functions/call-error.ts';
import { Registry } from '../../../src/functions/registry.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';

const [, , folder = ''] = process.argv;
const registry = await Registry.open({ folder, scheduler: systemScheduler });

async function call(method: string, deadlineIn = 5000): Promise<unknown> {
  await registry.pending('near');
  const call = {
    function: registry.find('near', method),
    args: [],
    caller: { identity: 'local', peer: 'test' },
    correlationId: 'c',
    deadline: (performance.now() + deadlineIn) as Instant,
  };
  const invoke = async (): Promise<CallResult> => registry.invoke(call);
  return invoke().then(
    (result) => result.value,
    (error: unknown) =>
      error instanceof Error && 'code' in error && String(error.code) in problems ? error.code : String(error),
  );
}

const first = [await call('where'), await call('far'), await call('slow', 50)];
writeFileSync(join(folder, 'near', 'part.ts'), 'export const one: number = 2;');
// The entry file is the same: the watch has to tell.
await new Promise((resolve) => {
  registry.onChange(resolve);
});
const second = await call('where');
await registry.close();
console.log(JSON.stringify({ first, second }));
