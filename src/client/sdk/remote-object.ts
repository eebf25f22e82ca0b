/**
 * An object that lives in the gateway, as JavaScript has objects: `await account.deposit(5)`, `await account.balance`. What it
 * offers is known from the description of its class, so that what it does not have is refused at once.
 * What it can do by itself begins with `$`; no member of a class does.
 */
import type { DescribedClass, DescribedMember } from '../../directory/described.ts';
import { nearestName } from '../../functions/names.ts';
import type { Value } from '../../core/value.ts';
import type { Argument } from './arguments.ts';
import type { CallOptions } from './call-options.ts';
import { ArgumentError } from './errors.ts';
import type { RemoteFunction, RemoteMethod } from './remote-function.ts';

/** What an object of the gateway can do besides what its class says. */
export interface ObjectControls<Writable = Readonly<Record<string, Argument>>> {
  /** Where it is; `gw.$object(uri)` is this object again. */
  readonly $uri: string;
  /** What its class offers. */
  readonly $class: DescribedClass;
  /** Sets an attribute. @throws ArgumentError where there is none, or the value does not fit; RemoteError, RequestError */
  $set<Name extends keyof Writable>(name: Name, value: Writable[Name]): Promise<void>;
  /** Lets go of it: the gateway closes it, and its path is 4.04 from then on. @throws RemoteError, RequestError */
  $release(): Promise<void>;
  /** The same object, its calls made in another way. */
  $with(options: Partial<CallOptions>): this;
  /** Lets go of it, unless it is gone already. */
  [Symbol.asyncDispose](): Promise<void>;
  /** As an argument, it travels as its path. */
  toJSON(): string;
}

/** An object of which nothing is known when the program is compiled: its members are methods, or attributes to await. */
export type RemoteObject = ObjectControls & Readonly<Record<string, RemoteMethod & Promise<Value>>>;

/** A class of the gateway: a call makes an object. `funcoap types` writes these. */
export interface RemoteClass<
  Positional extends readonly unknown[] = readonly Argument[],
  Named = Readonly<Record<string, Argument>>,
  Instance = RemoteObject,
> extends Pick<RemoteFunction, 'describe' | 'help'> {
  /** Makes an object. @throws ArgumentError, RemoteError, RequestError */
  (...args: Positional): Promise<Instance>;
  (named: Named): Promise<Instance>;
  /** The same class; its objects are made, and used, in another way. */
  with(options: Partial<CallOptions>): RemoteClass<Positional, Named, Instance>;
}

/** What is asked of the gateway for an object. */
export interface ObjectActions {
  readonly uri: string;
  readonly path: string;
  method(member: DescribedMember): RemoteMethod;
  read(member: DescribedMember): Promise<Value>;
  set(member: DescribedMember, value: Argument): Promise<void>;
  release(): Promise<void>;
  /** As `release`, where that it is gone is no error. */
  dispose(): Promise<void>;
  with(options: Partial<CallOptions>): object;
}

/** @param described tells the class; called when something is asked of the object */
export function remoteObject(described: () => DescribedClass, actions: ObjectActions): RemoteObject {
  return new Proxy(new Controls(described, actions), {
    get: (target, name): unknown => {
      // It is no promise: `await` asks everything for `then`.
      if (typeof name === 'symbol' || name.startsWith('$') || name === 'toJSON') return Reflect.get(target, name);
      if (name === 'then') return undefined;
      const of = described();
      // What every object has, when nobody means a member.
      if (name in Object.prototype && !of.members.some((member) => member.name === name))
        return Reflect.get(target, name);
      const member = memberNamed(of, name);
      return member.kind === 'method' ? actions.method(member) : actions.read(member);
    },
    has: (target, name) => Reflect.has(target, name) || described().members.some((member) => member.name === name),
    ownKeys: () => [],
    set: (_target, name): boolean => {
      throw new ArgumentError(
        'not-assignable',
        `An assignment cannot be waited for: await $set('${String(name)}', …).`,
      );
    },
  }) as unknown as RemoteObject;
}

class Controls {
  readonly #described: () => DescribedClass;
  readonly #actions: ObjectActions;
  readonly $uri: string;

  constructor(described: () => DescribedClass, actions: ObjectActions) {
    this.#described = described;
    this.#actions = actions;
    this.$uri = actions.uri;
  }

  // Arrow functions: what is read through the proxy is called on the proxy.
  readonly $set = async (name: string, value: Argument): Promise<void> => {
    const member = this.#described().members.find((one) => one.kind === 'attribute' && one.name === name);
    if (member === undefined) throw noMember(this.#described(), name);
    if (!member.writable) {
      const { library, method } = this.#described();
      throw new ArgumentError('not-writable', `${library}/${method}.${name} cannot be set.`);
    }
    await this.#actions.set(member, value);
  };

  readonly $release = async (): Promise<void> => await this.#actions.release();
  readonly $with = (options: Partial<CallOptions>): object => this.#actions.with(options);
  readonly [Symbol.asyncDispose] = async (): Promise<void> => await this.#actions.dispose();
  readonly toJSON = (): string => this.#actions.path;

  get $class(): DescribedClass {
    return this.#described();
  }
}

/** What is called, or read. @throws ArgumentError where there is nothing of that name, or it can only be set */
export function memberNamed(of: DescribedClass, name: string): DescribedMember {
  const member = of.members.find((one) => one.name === name);
  if (member === undefined) throw noMember(of, name);
  if (member.kind === 'attribute' && !member.readable)
    throw new ArgumentError('not-readable', `${of.library}/${of.method}.${name} can only be set.`);
  return member;
}

/** Whether a value is an object of the gateway. */
export const isRemoteObject = (value: unknown): value is RemoteObject => value instanceof Controls;

function noMember(of: DescribedClass, name: string): ArgumentError {
  const names = of.members.map((member) => member.name);
  const near = nearestName(name, names);
  const told = near === undefined ? `it has ${names.join(', ')}.` : `did you mean ${near}?`;
  return new ArgumentError('no-such-member', `${of.library}/${of.method} has no ${name}; ${told}`);
}
