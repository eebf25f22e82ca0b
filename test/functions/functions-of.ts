/** Descriptions of the functions in a piece of source, for tests: ids counted as the lock file does. */
import type { FunctionDescription } from '../../src/functions/description.ts';
import { readExports } from '../../src/functions/signature/exports.ts';

function functionsOf(source: string, file = 'libraries/test/index.ts'): ReadonlyMap<string, FunctionDescription> {
  return new Map(
    readExports(source, file).map((declared, index) => {
      const { name, parameters, kind: _kind, line: _line, ...rest } = declared;
      return [
        name,
        {
          ...rest,
          library: 'test',
          libraryId: 0,
          method: name,
          id: index,
          version: '1',
          parameters: parameters.map((parameter, id) => ({ ...parameter, id })),
        },
      ];
    }),
  );
}

export function functionOf(source: string, file?: string): FunctionDescription {
  const [first] = functionsOf(source, file).values();
  if (first === undefined) throw new Error('the source exports nothing');
  return first;
}
