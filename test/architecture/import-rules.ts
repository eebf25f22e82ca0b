/** Checks every import of src/, bin/ and libraries/ against the floors. A violation is one sentence. */
import { builtinModules } from 'node:module';
import { doors, floors, libraryPackages, nodeInOneFile, packages, walls, withoutNode } from './floors.ts';
import { isRelative, resolveImport, type Import, type SourceFile } from './source-file.ts';

export function importViolations(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((file) => [
    ...file.imports.flatMap((edge) => edgeViolations(file, edge, known)),
    ...nodeReached(file, known),
    ...unknownFolder(file),
  ]);
}

const isNodeModule = (specifier: string): boolean => specifier.startsWith('node:');

function edgeViolations(file: SourceFile, edge: Import, known: ReadonlyMap<string, SourceFile>): string[] {
  const say = (what: string): string[] => [`${file.path}:${edge.line}: '${edge.specifier}' ${what}`];
  if (edge.specifier.startsWith('/') || edge.specifier.startsWith('file:')) return say('is an absolute path');
  if (edge.kind === 'url' && !isRelative(edge.specifier)) return [];
  if (!isRelative(edge.specifier)) return packageViolations(file, edge.specifier, say);
  if (edge.kind === 'url') {
    return edge.specifier.endsWith('.ts')
      ? say('is a URL of TypeScript: compiled output has no such file, take the extension of import.meta.url')
      : [];
  }
  const target = resolveImport(file, edge.specifier);
  if (/\.(?:json|node)$/.test(target)) return [];
  if (file.path.startsWith('bin/')) {
    return /^(?:src|dist)\/cli\//.test(target)
      ? []
      : say('is not in src/cli/: bin/ calls the command line and nothing else');
  }
  if (!target.endsWith('.ts')) return say('does not name a file with its .ts extension');
  if (!known.has(target)) return say('does not exist');
  if (file.path.startsWith('libraries/')) {
    return libraryOf(target) === libraryOf(file.path) ? [] : say('is outside its library');
  }
  return floorViolations(file, target, edge, say);
}

type Say = (what: string) => string[];

function packageViolations(file: SourceFile, specifier: string, say: Say): string[] {
  if (isNodeModule(specifier)) {
    const folder = folderOf(file.path);
    if (withoutNode.includes(folder)) return say(`in ${folder}/, which imports no node:*`);
    const only = nodeInOneFile[folder];
    return only === undefined || only === file.path ? [] : say(`in ${folder}/, where only ${only} imports node:*`);
  }
  if (builtinModules.includes(specifier)) return say('is a Node module without its node: prefix');
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (file.path.startsWith('bin/')) return say('is a package: bin/ calls src/cli and nothing else');
  if (file.path.startsWith('libraries/')) {
    return libraryPackages.includes(specifier) ? [] : say(`is not one of ${libraryPackages.join(', ')}`);
  }
  if (name === 'funcoap') return say('is this package itself: import the defining file');
  const allowed = packages[folderOf(file.path)];
  return allowed === undefined || allowed.includes(name)
    ? []
    : say(`is a package that ${folderOf(file.path)}/ may not know`);
}

function floorViolations(file: SourceFile, target: string, edge: Import, say: Say): string[] {
  if (!target.startsWith('src/')) return say('is outside src/');
  if (target === 'src/index.ts') return say('is the barrel: import the defining file');
  if (file.path === 'src/index.ts') return [];
  const from = folderOf(file.path);
  const to = folderOf(target);
  if (from === to) return [];
  const wall = walls.find((one) => one.from === from && one.to === to);
  if (wall !== undefined) return say(`crosses a wall: ${from}/ never imports ${to}/`);
  if ((floors[to] ?? Infinity) < (floors[from] ?? -1)) return [];
  const door = doors.find((one) => within(file.path, one.from) && within(target, one.to));
  if (door === undefined)
    return say(`points up or sideways: ${from}/ stands on floor ${floors[from]}, ${to}/ on ${floors[to]}`);
  return door.typeOnly && !edge.typeOnly
    ? say(`needs \`import type\`: ${from}/ knows ${to}/ by its interface only`)
    : [];
}

/** Follows what is there at run time from a file that reaches no node:*, through the floors below. */
function nodeReached(file: SourceFile, known: ReadonlyMap<string, SourceFile>): string[] {
  const folder = folderOf(file.path);
  if (!file.path.startsWith('src/') || !withoutNode.includes(folder)) return [];
  const seen = new Set<string>([file.path]);
  const queue: SourceFile[] = [file];
  const violations: string[] = [];
  for (const current of queue) {
    for (const edge of current.imports) {
      if (edge.typeOnly) continue;
      if (isNodeModule(edge.specifier) && folderOf(current.path) !== folder) {
        violations.push(`${file.path}: reaches '${edge.specifier}' through ${current.path}`);
      }
      const next = isRelative(edge.specifier) ? known.get(resolveImport(current, edge.specifier)) : undefined;
      if (next !== undefined && !seen.has(next.path)) {
        seen.add(next.path);
        queue.push(next);
      }
    }
  }
  return violations;
}

function unknownFolder(file: SourceFile): string[] {
  if (!file.path.startsWith('src/') || file.path === 'src/index.ts') return [];
  const folder = folderOf(file.path);
  return folder in floors ? [] : [`${file.path}: src/${folder}/ stands on no floor: folders of src/ are fixed`];
}

const folderOf = (path: string): string => path.split('/')[1] ?? '';
const libraryOf = (path: string): string => path.split('/', 2).join('/');
const within = (path: string, place: string): boolean => path === `src/${place}` || path.startsWith(`src/${place}/`);
