/** A process that opens the store of jobs and closes it, again and again; it tells what went wrong. */
import { SqliteJobStore } from '../../src/store/sqlite/job-store.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';

const [, , folder = '', times = '0'] = process.argv;
const faults: string[] = [];
for (let i = 0; i < Number(times); i++) {
  try {
    await SqliteJobStore.open(folder, systemScheduler).close();
  } catch (error) {
    faults.push(String(error));
  }
}
process.send?.(faults);
