/** What can be called: a function or class of a library, or a member of an object. */
import { seconds } from '../../core/duration.ts';
import type { DescribedClass, DescribedFunction, DescribedMember } from '../../directory/described.ts';
import type { Catalogue } from './catalogue.ts';

export interface Target {
  /** Segments. */
  readonly path: readonly string[];
  /** As errors name it: `math/add`, `bank/Account.deposit`. */
  readonly name: string;
  describe(): Promise<DescribedFunction>;
  /** The description as it is now, where the one that is known is old; undefined where it is not. */
  newer(): Promise<DescribedFunction | undefined>;
  /** What is known of it is asked for again when it is needed. */
  forget(): void;
}

export const functionTarget = (catalogue: Catalogue, library: string, method: string): Target => ({
  path: ['func', library, method],
  name: `${library}/${method}`,
  describe: async () => await catalogue.describe(library, method),
  newer: async () => await catalogue.newer(library, method),
  forget: () => catalogue.forget(library),
});

/** A method that is called, or an attribute that is read. What an object offers is settled when it is made. */
export function memberTarget(of: DescribedClass, id: string, member: DescribedMember): Target {
  const fn = memberFunction(of, member);
  return {
    path: ['o', id, member.name],
    name: `${fn.library}/${fn.method}`,
    describe: () => Promise.resolve(fn),
    newer: () => Promise.resolve(undefined),
    forget: () => undefined,
  };
}

/** A method as it is called, or an attribute as it is read: nothing goes in. */
export function memberFunction({ library, method }: DescribedClass, member: DescribedMember): DescribedFunction {
  const { name, kind, returns, title, doc, safe, stream } = member;
  const none = { libraryId: undefined, id: undefined, pure: false, maxAge: seconds(0), notCallable: undefined };
  return {
    ...none,
    library,
    method: `${method}.${name}`,
    parameters: kind === 'attribute' ? [] : member.parameters,
    returns,
    title,
    doc,
    safe,
    ...(stream && { stream }),
  };
}

/** An attribute as it is set: its value goes in. */
export const settingFunction = (of: DescribedClass, member: DescribedMember): DescribedFunction => ({
  ...memberFunction(of, member),
  parameters: member.parameters,
});
