/**
 * What a Python module offers, from what its process says of it (host/funcoap_host/functions.py) and from the promises of its
 * manifest. The process only reads declarations; what they may promise together is checked here, in the words of Python.
 */
import { basename } from 'node:path';
import { UsageError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import type { ExportDescription } from '../../export-description.ts';
import { describeClass } from './describe-class.ts';
import { describeFunction } from './describe-function.ts';
import type { PythonManifest } from './manifest.ts';
import { saidExports, type SaidExport } from './module-words.ts';

/** @throws UsageError 'library-load' with one sentence that names the file, and the line where it is known */
export function describeModule(entry: string, said: Value, manifest: PythonManifest): readonly ExportDescription[] {
  const file = basename(entry);
  const parsed = saidExports.safeParse(said);
  if (!parsed.success)
    throw new UsageError('library-load', `${file}: its functions cannot be described; is something of Python changed?`);
  for (const name of Object.keys(manifest.functions)) {
    if (!parsed.data.some((offered) => isCalled(offered, name)))
      throw new UsageError(
        'library-load',
        `funcoap.json promises something of ${name}, and ${file} has no such function; mend the name.`,
      );
  }
  const made = parsed.data.find(({ members }) => members !== undefined);
  if (made !== undefined && manifest.processes > 1)
    throw new UsageError(
      'library-load',
      `funcoap.json allows ${manifest.processes} processes, and objects of ${made.method} live in one: remove "processes", or let the names of classes begin with "_".`,
    );
  return parsed.data.map((offered) =>
    offered.members === undefined
      ? describeFunction(offered, manifest, file)
      : describeClass(offered, offered.members, manifest, file),
  );
}

/** `add` of a function or class, `Account.deposit` of a method. */
const isCalled = ({ method, members = [] }: SaidExport, name: string): boolean =>
  name === method || members.some((each) => name === `${method}.${each.name}`);
