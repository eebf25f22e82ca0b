/**
 * Access rules: who may call which functions and reach which resources, how often, and over what kind of link.
 *
 * A caller may do whatever any of the rules that match it allows; one that no rule matches may do nothing. Who has not said who
 * it is, and wants what an identity might do, hears 4.01 instead of 4.03. Of rates and
 * link settings the first matching rule that has one counts. Rules are compiled once; callers whom the same rules match
 * share one `Access`, which remembers its answer for each function. /func, /f, /b, /j, /o and /.well-known are open to everybody:
 * the first three refuse function by function, jobs and objects are their creators', and discovery shows what its reader may use.
 */
import type { TransmissionOptions } from '../coap/parameters.ts';
import type { Principal } from '../core/principal.ts';
import { anonymous } from '../core/principal.ts';
import { CallError } from '../functions/call-error.ts';
import type { Caller } from '../functions/call.ts';
import type { FunctionDescription, LibraryDescription, MemberDescription } from '../functions/description.ts';
import { memberFunction } from '../functions/object-calls.ts';
import { compileGlob } from './glob.ts';
import type { Rate } from './rate-limit.ts';

export interface AccessRule {
  /** A glob over names of identities (`local` is who has none); undefined: any. */
  readonly identity: string | undefined;
  /** A glob, of which one of the caller's groups must be; undefined: any or none. */
  readonly group: string | undefined;
  /** Globs over `library/method`. */
  readonly functions: readonly string[];
  /** Globs over first segments of the paths of other resources: `clock`. */
  readonly resources: readonly string[];
  readonly rate: Rate | undefined;
  /** What differs from the link profile of the caller's address. */
  readonly link: Partial<TransmissionOptions>;
}

/** Everybody may do everything. */
export const openAccess: readonly AccessRule[] = [
  { identity: undefined, group: undefined, functions: ['*'], resources: ['*'], rate: undefined, link: {} },
];

/** Whose request is refused: looked at only then. */
interface Refusable {
  readonly caller: Caller;
}

const openToAll: ReadonlySet<string> = new Set(['func', 'f', 'b', 'j', 'o', '.well-known']);

/** What callers may do whom the same rules match. */
export class Access {
  readonly rate: Rate | undefined;
  readonly #link: Partial<TransmissionOptions>;
  readonly #functions: readonly ((name: string) => boolean)[];
  readonly #libraries: readonly ((name: string) => boolean)[];
  readonly #resources: readonly ((name: string) => boolean)[];
  readonly #everyFunction: boolean;
  readonly #anybody: Access | undefined;
  readonly #mayCall = new WeakMap<FunctionDescription, boolean>();
  readonly #visible = new WeakMap<readonly LibraryDescription[], readonly LibraryDescription[]>();
  readonly #visibleClasses = new WeakMap<FunctionDescription, FunctionDescription>();
  readonly #transmission = new WeakMap<TransmissionOptions, TransmissionOptions>();

  /** @param anybody what there is somebody who may do; undefined: nobody but these callers */
  constructor(rules: readonly AccessRule[], anybody?: Access) {
    this.#anybody = anybody;
    const functions = rules.flatMap((rule) => rule.functions);
    this.rate = rules.find(({ rate }) => rate !== undefined)?.rate;
    // The first rule that has a setting comes last and so wins.
    this.#link = Object.assign({}, ...rules.toReversed().map(({ link }) => link)) as Partial<TransmissionOptions>;
    this.#functions = functions.map(compileGlob);
    this.#libraries = functions.map(libraryPart).map(compileGlob);
    this.#resources = rules.flatMap((rule) => rule.resources).map(compileGlob);
    this.#everyFunction = functions.includes('*');
  }

  mayCall(fn: FunctionDescription): boolean {
    if (this.#everyFunction) return true;
    const known = this.#mayCall.get(fn);
    if (known !== undefined) return known;
    const allowed = anyMatches(this.#functions, `${fn.library}/${fn.method}`);
    this.#mayCall.set(fn, allowed);
    return allowed;
  }

  /** @throws CallError 'access-denied', 'identity-needed' */
  checkFunction(fn: FunctionDescription, { caller }: Refusable): void {
    if (this.mayCall(fn)) return;
    const target = `${fn.library}/${fn.method}`;
    if (isAnonymous(caller) && this.#anybody?.mayCall(fn) === true) throw identityNeeded(target);
    throw new CallError(
      'access-denied',
      `${caller.identity} may not call ${target}; the access rules of the gateway say who may.`,
    );
  }

  /** @param name the first segment of a path that the gateway serves */
  mayReach(name: string): boolean {
    return openToAll.has(name) || anyMatches(this.#resources, name);
  }

  /** @throws CallError 'access-denied', 'identity-needed' */
  checkResource(name: string, { caller }: Refusable): void {
    if (this.mayReach(name)) return;
    if (isAnonymous(caller) && this.#anybody?.mayReach(name) === true) throw identityNeeded(`/${name}`);
    throw new CallError(
      'access-denied',
      `${caller.identity} may not use /${name}; the access rules of the gateway say who may.`,
    );
  }

  /** Of a class: there is something of it that the caller may do. @throws CallError 'access-denied', 'identity-needed' */
  checkKnown(of: FunctionDescription, refusable: Refusable): void {
    if (!this.#knows(of)) this.checkFunction(of, refusable);
  }

  /** What of the libraries the caller may know of: the functions it may call, classes as they are visible, and libraries with such or none. */
  visible(libraries: readonly LibraryDescription[]): readonly LibraryDescription[] {
    if (this.#everyFunction) return libraries;
    const known = this.#visible.get(libraries);
    if (known !== undefined) return known;
    const visible = libraries.flatMap((library) => {
      const functions = library.functions.filter((fn) => this.#knows(fn)).map((fn) => this.visibleClass(fn));
      const isEmpty = library.functions.length === 0 && anyMatches(this.#libraries, library.name);
      return functions.length > 0 || isEmpty ? [{ ...library, functions }] : [];
    });
    this.#visible.set(libraries, visible);
    return visible;
  }

  #knows(fn: FunctionDescription): boolean {
    return this.mayCall(fn) || (this.visibleClass(fn).members?.length ?? 0) > 0;
  }

  /** What of a class the caller may know of: members it may use, and the constructor's parameters if it may make objects. */
  visibleClass(of: FunctionDescription): FunctionDescription {
    if (this.#everyFunction || of.members === undefined) return of;
    const known = this.#visibleClasses.get(of);
    if (known !== undefined) return known;
    const members = of.members.flatMap((member) => this.#visibleMember(of, member));
    const visible: FunctionDescription = this.mayCall(of)
      ? { ...of, members }
      : { ...of, members, parameters: [], notMade: notMade(of) };
    this.#visibleClasses.set(of, visible);
    return visible;
  }

  #visibleMember(of: FunctionDescription, member: MemberDescription): readonly MemberDescription[] {
    if (member.kind === 'method') return this.mayCall(memberFunction(of, member, 'call')) ? [member] : [];
    const readable = member.readable && this.mayCall(memberFunction(of, member, 'read'));
    const writable = member.writable && this.mayCall(memberFunction(of, member, 'set'));
    return readable || writable ? [{ ...member, readable, writable }] : [];
  }

  /** The link profile of an address, changed as the rules say. One object for one profile. */
  transmission(profile: TransmissionOptions): TransmissionOptions {
    const known = this.#transmission.get(profile);
    if (known !== undefined) return known;
    const changed = Object.keys(this.#link).length === 0 ? profile : { ...profile, ...this.#link };
    this.#transmission.set(profile, changed);
    return changed;
  }
}

interface CompiledRule {
  readonly rule: AccessRule;
  readonly identity: (name: string) => boolean;
  readonly group: ((name: string) => boolean) | undefined;
}

export class AccessRules {
  readonly #rules: readonly CompiledRule[];
  readonly #anybody: Access;
  readonly #byPrincipal = new WeakMap<Principal, Access>();
  /** By the numbers of the rules that match: as many as the operator's rules make different callers. */
  readonly #shared = new Map<string, Access>();

  constructor(rules: readonly AccessRule[]) {
    this.#anybody = new Access(rules);
    this.#rules = rules.map((rule) => ({
      rule,
      identity: compileGlob(rule.identity ?? '*'),
      group: rule.group === undefined ? undefined : compileGlob(rule.group),
    }));
  }

  /** @param principal who the caller has proved to be; undefined where it has not */
  of(principal: Principal | undefined): Access {
    const caller = principal ?? anonymous;
    const known = this.#byPrincipal.get(caller);
    if (known !== undefined) return known;
    const matching = this.#rules.filter((compiled) => matches(compiled, caller));
    const key = matching.map((compiled) => this.#rules.indexOf(compiled)).join(' ');
    const access =
      this.#shared.get(key) ??
      new Access(
        matching.map(({ rule }) => rule),
        this.#anybody,
      );
    this.#shared.set(key, access);
    this.#byPrincipal.set(caller, access);
    return access;
  }
}

const notMade = ({ library, method }: FunctionDescription): string =>
  `the access rules of the gateway say who may make objects of ${library}/${method}; their members are for whoever is given one`;

const isAnonymous = ({ identity }: Caller): boolean => identity === anonymous.name;

const identityNeeded = (target: string): CallError =>
  new CallError(
    'identity-needed',
    `${target} is for who has an identity (\`funcoap enroll\`): call it over coaps://, or over HTTP with a token (\`funcoap token\`).`,
  );

const matches = ({ identity, group }: CompiledRule, caller: Principal): boolean =>
  identity(caller.name) && (group === undefined || caller.groups.some(group));

const anyMatches = (globs: readonly ((text: string) => boolean)[], text: string): boolean =>
  globs.some((matches) => matches(text));

/** Of `math/*`: `math`. Without a slash a glob may reach over it, as `m*add` does. */
function libraryPart(glob: string): string {
  const slash = glob.indexOf('/');
  return slash < 0 ? `${glob.slice(0, glob.indexOf('*'))}*` : glob.slice(0, slash);
}
