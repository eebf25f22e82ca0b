/** What page.js exports, for its tests: browsers get the script as it is. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
}

interface Request {
  readonly path: string;
  readonly options: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
  };
}

export declare function valueOf(text: string, schema: Schema): unknown;
export declare function requestFor(
  path: string,
  values: Readonly<Record<string, unknown>>,
  token: string,
  of?: { readonly method?: string; readonly id?: string },
): Request;
export declare function triedOf(item: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[];
export declare function fieldsOf(
  method: string,
  operation: unknown,
): readonly (readonly [name: string, schema: Schema, isRequired: boolean])[];
export declare function curlFor(origin: string, request: Request): string;
export declare function readText(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  show: (text: string) => void,
): Promise<string>;
export declare function shownText(text: string): string;
