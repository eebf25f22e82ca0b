/** The locked ids of libraries, methods and parameters, as the registry asks for them. */
import type { ExportDescription } from './export-description.ts';

export interface AssignedIds {
  readonly library: number | undefined;
  readonly functions: ReadonlyMap<string, { readonly id: number | undefined; readonly parameters: ReadonlyMap<string, number> }>;
}

export class LibraryIds {
  static open(_folder: string): Promise<LibraryIds> {
    return Promise.resolve(new LibraryIds());
  }
  assign(_library: string, _exports: readonly ExportDescription[]): AssignedIds {
    return { library: undefined, functions: new Map() };
  }
}
