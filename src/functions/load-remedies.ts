/** What the parser, V8 and Node say of a mistake in a library, with what to do about it. */

/** What they say, and what people are told. */
const known: readonly (readonly [said: RegExp, told: string])[] = [
  [
    /^TypeScript parameter property is not supported.*$/,
    'a parameter property cannot be stripped from TypeScript; declare the field in the class and assign it in the constructor',
  ],
  [
    /^TypeScript enum is not supported.*$/,
    "an enum cannot be stripped from TypeScript; write an object, such as const Colour = { Red: 'red' } as const",
  ],
  [
    /^(?:TypeScript namespace declaration is not supported|`module \.\.\. \{\}`).*$/,
    'a namespace cannot be stripped from TypeScript; put what it holds into a file of its own',
  ],
  [
    /^TypeScript import equals declaration is not supported.*$/,
    "`import … =` cannot be stripped from TypeScript; write import … from '…'",
  ],
  [
    /^TypeScript export assignment is not supported.*$/,
    '`export =` cannot be stripped from TypeScript; write export before each function',
  ],
  [
    /^The angle-bracket syntax for type assertions.*$/,
    '`<T>value` cannot be stripped from TypeScript; write value as T',
  ],
  [/^This experimental syntax requires .*"decorators.*$/, 'decorators are not run; call them as functions'],
  [
    /^Constructor can't be an async function$/,
    'a constructor cannot be async; write a function that awaits what it needs and returns the object',
  ],
  [/^Cannot access '(.+)' before initialization$/, "'$1' is used above the line that declares it; move that line up"],
  [
    /^(require|module|exports) is not defined in ES module scope.*$/,
    "$1 belongs to CommonJS, and this is an ES module; write import … from '…' and export",
  ],
  [
    /^__(file|dir)name is not defined in ES module scope$/,
    '__$1name belongs to CommonJS, and this is an ES module; write import.meta.$1name',
  ],
  [
    /^The requested module '(.+)' does not provide an export named 'default'$/,
    "'$1' has no default export; write import { … } from '$1'",
  ],
  [
    /^The requested module '(.+)' does not provide an export named '(.+)'$/,
    "'$1' exports no '$2'; mend the name, or write import type where it is a type",
  ],
  [
    /^Named export '(.+)' not found\. The requested module '(.+?)' is a CommonJS module.*$/,
    "'$2' is CommonJS, and its '$1' cannot be imported by name; write import all from '$2' and take it out of all",
  ],
];

/** One sentence of what was said, as it stands behind a place. */
export function withRemedy(said: string): string {
  const message = said.replace(/[.;]$/, '');
  const found = known.find(([pattern]) => pattern.test(message));
  return found === undefined ? `${message}; mend it and save the file.` : `${message.replace(...found)}.`;
}
