/** Declared types as TypeScript has them, for library-types.ts. */
import type { DescribedObject, DescribedType } from './described.ts';

/** What stands for a value of any type: as an argument, and as a result. */
export type AnyName = 'Any' | 'Value';

/** Types of one library, whose classes have names. */
export class TypeTexts {
  /** The interface of the objects of a class; undefined where there is no such class. */
  readonly instance: (name: string) => string | undefined;

  constructor(instance: (name: string) => string | undefined) {
    this.instance = instance;
  }

  of(type: DescribedType, any: AnyName): string {
    switch (type.kind) {
      case 'any':
        return any;
      case 'number':
      case 'integer':
        return 'number';
      // One below 2^53 comes back as a number: CBOR does not tell them apart.
      case 'bigint':
        return 'bigint | number';
      case 'bytes':
        return 'Uint8Array';
      case 'date':
        return 'Date';
      case 'literal':
        return typeof type.value === 'string' ? quoted(type.value) : String(type.value);
      // As an argument also its path.
      case 'instance': {
        const name = this.instance(type.class) ?? 'ObjectControls';
        return any === 'Any' ? `${name} | \`/o/\${string}\`` : name;
      }
      case 'union':
        return this.#union(type.options, any);
      case 'array':
        return `readonly (${this.of(type.items, any)})[]`;
      case 'tuple':
        return `readonly [${type.items.map((item) => this.of(item, any)).join(', ')}]`;
      case 'object':
        return this.#object(type, any);
      case 'null':
      case 'boolean':
      case 'string':
        return type.kind;
    }
  }

  /** Each kind once: Python's int is a number or a bigint. */
  #union(options: readonly DescribedType[], any: AnyName): string {
    const texts = options.flatMap((option) =>
      option.kind === 'bigint' ? ['bigint', 'number'] : [this.of(option, any)],
    );
    return texts.length === 0 ? 'never' : [...new Set(texts)].join(' | ');
  }

  #object({ properties, additional }: DescribedObject, any: AnyName): string {
    const members = Object.entries(properties).map(
      ([name, member]) => `${quoted(name)}${member.required ? '' : '?'}: ${this.of(member.type, any)}`,
    );
    // What an index signature says has to hold for the declared members too.
    const more =
      additional === undefined ? [] : [`[name: string]: ${members.length > 0 ? any : this.of(additional, any)}`];
    return objectText([...members, ...more]);
  }
}

export const objectText = (members: readonly string[]): string =>
  members.length === 0
    ? 'Readonly<Record<string, never>>'
    : `{ ${members.map((member) => `readonly ${member}`).join('; ')} }`;

/** As JSON, which is TypeScript but for two line ends. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'));
