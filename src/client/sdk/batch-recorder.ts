/**
 * What the function of a batch is given: libraries, and objects that are there already, whose calls are written down. What is
 * asked for is written down whatever its name: of a library what there is comes out later, of an object it is known.
 */
import { UsageError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedClass } from '../../directory/described.ts';
import type { Argument } from './arguments.ts';
import type { Calls } from './calls.ts';
import { ArgumentError, streamNotOnce } from './errors.ts';
import { idIn } from './own-path.ts';
import { referenceTo, type Place, type Reference } from './references.ts';
import type { RemoteFunction, RemoteMethod } from './remote-function.ts';
import { memberNamed, type ObjectControls, type RemoteClass } from './remote-object.ts';
import { functionTarget, memberFunction, memberTarget, type Target } from './target.ts';

/** A function, a method or a class inside a batch: it takes references where it takes arguments, and gives one. */
export type RecordedFunction<Fn> =
  Fn extends RemoteFunction<infer Positional, infer Named, infer Result>
    ? Recorded<Positional, Named, Result>
    : Fn extends RemoteClass<infer Positional, infer Named, infer Instance>
      ? Recorded<Positional, Named, Instance>
      : Fn extends RemoteMethod<infer Positional, infer Named, infer Result>
        ? Recorded<Positional, Named, Result>
        : never;

type Recorded<Positional extends readonly unknown[], Named, Result> = [Result] extends [AsyncIterable<unknown>]
  ? never
  : {
      (...args: { readonly [At in keyof Positional]: OrReference<Positional[At]> }): Reference<Result>;
      (named: { readonly [Name in keyof Named]: OrReference<Named[Name]> }): Reference<Result>;
    };

/** The gateway checks that what it stands for fits. */
type OrReference<T> = T | Reference<NonNullable<T>> | Reference<Value>;

/** The libraries inside a batch. */
export type RecordedLibraries<Libraries> = {
  readonly [Library in keyof Libraries]: {
    readonly [Method in keyof Libraries[Library]]: RecordedFunction<Libraries[Library][Method]>;
  };
};

/** An object inside a batch: its methods, and its attributes to read, each time that they are named. */
export type RecordedObject<Instance> = {
  readonly [Name in Exclude<keyof Instance, keyof ObjectControls>]: RecordedMember<Instance[Name]>;
};

/** Where the type is not known, it may be either. */
type RecordedMember<Member> = (Member extends (...args: never) => unknown ? RecordedFunction<Member> : unknown) &
  (Member extends Promise<infer Result> ? Reference<Result> : unknown);

/** What the function of a batch is given. */
export type Later<Libraries> = RecordedLibraries<Libraries> & {
  /**
   * An object that is there already, whose methods are to be called and attributes read.
   * @throws UsageError `bad-uri` where it is one of another gateway
   */
  $object<Instance extends KnownObject>(object: Instance): RecordedObject<Instance>;
};

/** What a RemoteObject tells of itself. */
type KnownObject = Pick<ObjectControls, '$uri' | '$class'>;

export interface RecordedCall {
  readonly target: Target;
  readonly args: readonly Argument[];
}

/** What the gateway takes (docs/calling.md). */
const maxCalls = 16;

export class BatchRecorder {
  readonly calls: RecordedCall[] = [];
  /** A `Later`. */
  readonly later: object;

  constructor({ catalogue, door }: Calls) {
    const object = ({ $uri, $class }: KnownObject): object => this.#object($class, idIn($uri, door.origin, 'o'));
    this.later = byName((library) =>
      library === '$object' ? object : byName((method) => this.#call(functionTarget(catalogue, library, method))),
    );
  }

  /** The call that it is of. @throws UsageError `bad-reference` */
  indexOf({ batch, index }: Place): number {
    if (batch !== this)
      throw new UsageError('bad-reference', 'A reference of another batch cannot be used in this one.');
    return index;
  }

  #object(of: DescribedClass, id: string): object {
    const name = `${of.library}/${of.method}`;
    return byName(
      (member) => {
        if (member.startsWith('$'))
          throw new ArgumentError('no-such-member', `${member} is asked of the object itself, and not in a batch.`);
        const described = memberNamed(of, member);
        if (described.stream === true) throw streamNotOnce(memberFunction(of, described), 'a batch');
        const call = this.#call(memberTarget(of, id, described));
        return described.kind === 'method' ? call : call();
      },
      (member) =>
        new ArgumentError('not-assignable', `A batch sets no attributes: await $set('${member}', …) of the ${name}.`),
    );
  }

  #call(target: Target): (...args: readonly Argument[]) => object {
    return (...args) => {
      if (this.calls.length >= maxCalls)
        throw new UsageError('too-many-calls', `A batch has ${maxCalls} calls at most; make a second one.`);
      const index = this.calls.push({ target, args }) - 1;
      return referenceTo({ batch: this, index, steps: [] });
    };
  }
}

/** Has every name. It is no promise: `await` asks everything for `then`. */
const byName = (make: (name: string) => unknown, refusal?: (name: string) => Error): object =>
  new Proxy(
    {},
    {
      get: (_target, name): unknown => (typeof name === 'symbol' || name === 'then' ? undefined : make(name)),
      set: (_target, name): boolean => {
        if (refusal === undefined) return false;
        throw refusal(String(name));
      },
    },
  );
