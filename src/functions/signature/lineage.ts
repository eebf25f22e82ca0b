/**
 * The classes that a class extends, as far as they are written in the library: in the same file, or in a file of the library that
 * imports lead to by name.
 *
 * Left out: superclasses that come from elsewhere, or that are no plain name (`extends mixin(Base)`, `extends parts.Base`).
 */
import { declarationsOf, nameOf, type Module } from './module-names.ts';
import type { ClassNode, Statement } from './syntax.ts';

/** A class, and the file that it stands in. */
export interface WrittenClass {
  readonly node: ClassNode;
  readonly module: Module;
}

/** More than any library has. */
const maxClasses = 64;

/** The class itself is last, what it extends before it. @throws UsageError `library-syntax` */
export function lineageOf(written: WrittenClass): readonly WrittenClass[] {
  const lineage = [written];
  for (let { node, module } = written; lineage.length < maxClasses;) {
    const { superClass } = node;
    const found = superClass?.type === 'Identifier' ? classCalled(superClass.name, module, new Set()) : undefined;
    if (found === undefined) break;
    lineage.unshift(found);
    ({ node, module } = found);
  }
  return lineage;
}

/** What a name stands for in a file. @param seen where it was looked for already */
function classCalled(name: string, module: Module, seen: Set<string>): WrittenClass | undefined {
  const binding = module.names.get(name)?.binding;
  if (binding?.kind === 'class') return { node: binding.node, module };
  const imported = module.imported.get(name);
  return imported && classExported(imported.name, module.open(imported.source), seen);
}

function classExported(name: string, module: Module | undefined, seen: Set<string>): WrittenClass | undefined {
  const place = `${module?.file} ${name}`;
  if (module === undefined || seen.has(place)) return undefined;
  seen.add(place);
  for (const statement of module.program.body) {
    const found = classIn(statement, name, module, seen);
    if (found !== undefined) return found;
  }
  for (const statement of name === 'default' ? [] : module.program.body) {
    if (statement.type !== 'ExportAllDeclaration') continue;
    const found = classExported(name, module.open(statement.source.value), seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a statement exports by that name. */
function classIn(statement: Statement, name: string, module: Module, seen: Set<string>): WrittenClass | undefined {
  if (statement.type === 'ExportDefaultDeclaration' && name === 'default') {
    const { declaration } = statement;
    if (declaration.type === 'ClassDeclaration') return { node: declaration, module };
    return declaration.type === 'Identifier' ? classCalled(declaration.name, module, seen) : undefined;
  }
  if (statement.type !== 'ExportNamedDeclaration') return undefined;
  if (statement.declaration != null) {
    const declared = declarationsOf(statement.declaration, undefined, module).some(([own]) => own === name);
    return declared ? classCalled(name, module, seen) : undefined;
  }
  const specifier = statement.specifiers.find((each) => nameOf(each.exported) === name);
  if (specifier?.type !== 'ExportSpecifier') return undefined;
  const local = nameOf(specifier.local);
  return statement.source == null
    ? classCalled(local, module, seen)
    : classExported(local, module.open(statement.source.value), seen);
}
