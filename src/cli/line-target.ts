/**
 * What the first word of a line names (call-line.ts): a function or class of a library, or a member of an object.
 *
 *     math/add              math.add
 *     bank/Account                                                    makes an object, whose URI is printed
 *     o/3kP0aZ_q/deposit    coap://127.0.0.1/o/3kP0aZ_q/deposit       a method, or an attribute to read
 */
import type { Argument } from '../client/sdk/arguments.ts';
import type { Later } from '../client/sdk/batch-recorder.ts';
import type { Connection } from '../client/sdk/connection-controls.ts';
import type { RemoteLibraries } from '../client/sdk/remote-function.ts';
import { memberNamed, type RemoteObject } from '../client/sdk/remote-object.ts';
import { memberFunction } from '../client/sdk/target.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import { UsageError } from '../core/error.ts';
import type { DescribedFunction } from '../directory/described.ts';
import { targetOf } from './call-line.ts';

export interface LineTarget {
  /** What it takes and gives. */
  readonly fn: DescribedFunction;
  /** Read, and not called. */
  readonly isAttribute: boolean;
  call(args: readonly Argument[], signal: AbortSignal | undefined): Promise<unknown>;
  /** Writes it down in a batch, and gives what stands for its result. */
  record(later: Later<RemoteLibraries>, args: readonly Argument[]): unknown;
}

/** As a URI, or a path; its members behind a further slash. */
const objectUri = /^(?:[a-z]+:\/\/[^/]+)?\/?o\/[\w-]+$/i;

/** Whose classes are known, of all that a person names in a session. */
const maxObjects = 1000;

export class LineTargets {
  readonly #gateway: Connection;
  readonly #objects = new GenerationalMap<string, RemoteObject>({ maxEntries: maxObjects });

  constructor(gateway: Connection) {
    this.#gateway = gateway;
  }

  /** @throws UsageError, ArgumentError where there is no such thing; RemoteError where an object is gone */
  async find(word: string): Promise<LineTarget> {
    const slash = word.lastIndexOf('/');
    const of = await this.object(word.slice(0, slash));
    return of === undefined ? await this.#function(word) : memberOf(of, word.slice(slash + 1));
  }

  /** Undefined where the text does not look like one. @throws as `find` */
  async object(text: string): Promise<RemoteObject | undefined> {
    if (!objectUri.test(text)) return undefined;
    const path = text.replace(/^(?=o\/)/i, '/');
    const object = this.#objects.get(path) ?? (await this.#gateway.$object(path));
    this.#objects.set(path, object);
    return object;
  }

  async #function(word: string): Promise<LineTarget> {
    const { library, method } = targetOf(word);
    const fn = this.#gateway[library]?.[method];
    if (fn === undefined) throw new UsageError('bad-argument', `${word} cannot be the name of a function.`);
    return {
      fn: await fn.describe(),
      isAttribute: false,
      call: async (args, signal) => await fn.with({ signal })(...args),
      record: (later, args) => later[library]?.[method]?.(...args),
    };
  }
}

function memberOf(of: RemoteObject, name: string): LineTarget {
  const described = memberNamed(of.$class, name);
  const isAttribute = described.kind === 'attribute';
  return {
    fn: memberFunction(of.$class, described),
    isAttribute,
    call: async (args, signal) => {
      const member = of.$with({ signal })[name];
      return isAttribute ? await member : await member?.(...args);
    },
    record: (later, args) => {
      const member = later.$object(of)[name];
      return isAttribute ? member : member?.(...args);
    },
  };
}

/** @throws UsageError where it gives more than one result, or is an attribute that is given arguments */
export function checkUse({ isAttribute, fn }: LineTarget, args: readonly unknown[]): void {
  const name = `${fn.library}/${fn.method}`;
  if (fn.stream === true)
    throw new UsageError('bad-argument', `${name} is a stream: \`funcoap watch\` prints its items.`);
  if (isAttribute && args.length > 0)
    throw new UsageError('bad-argument', `${name} is an attribute, which is read here: \`funcoap set\` sets it.`);
}
