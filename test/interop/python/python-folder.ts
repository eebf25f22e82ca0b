/** Folders of libraries in Python, called as the gateway calls them: bound, and by real python3 processes. */
import { execFileSync } from 'node:child_process';
import { milliseconds, seconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { bind } from '../../../src/functions/binding.ts';
import { CallError } from '../../../src/functions/call-error.ts';
import type { RegistryOptions } from '../../../src/functions/registry-options.ts';
import type { WorkerPoolOptions } from '../../../src/functions/worker-pool-options.ts';
import { libraryFolder, type LibraryFolder } from '../../functions/library-folder.ts';

/** Why there can be no test of Python on this machine; undefined where there can. */
export function missingPython(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs python3, 3.9 or newer (Debian: python3)';
  }
}

export interface PythonFolder extends LibraryFolder {
  /** `body` as a client writes it: a list by position, an object by name. */
  say(target: string, body?: Value): Promise<Value>;
  /** The error that the call ends with. */
  failure(target: string, body?: Value): Promise<CallError>;
}

/** A busy machine takes its time to start Python: no test is about that. */
const patient = { loadLimit: seconds(30), grace: milliseconds(300) };

export async function pythonFolder(
  files: Readonly<Record<string, string>>,
  pool: Partial<WorkerPoolOptions> = {},
  options: Partial<RegistryOptions> = {},
): Promise<PythonFolder> {
  const folder = await libraryFolder(files, { reloadWait: seconds(30), ...options }, { ...patient, ...pool });
  const say: PythonFolder['say'] = async (target, body) => {
    const [library = '', method = ''] = target.split('/');
    await folder.registry.pending(library);
    const found = folder.registry.find(library, method);
    const args = bind(found, body === undefined ? { kind: 'none' } : { kind: 'body', value: body });
    return folder.value(library, method, ...args);
  };
  return {
    ...folder,
    say,
    failure: async (target, body) => {
      try {
        await say(target, body);
      } catch (error) {
        if (error instanceof CallError) return error;
        throw error;
      }
      throw new Error(`${target} has a result`);
    },
  };
}
